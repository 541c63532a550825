"""What do we know already? Looks for what earlier runs have left on a subject like this."""

from contracts.plans import Note, Recall, Recalled
from services.errors import StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index

NOTES = 3
NOTE_CHARACTERS = 600


async def recall_memory(recall: Recall, model: Model, memory: Index, ledger: Ledger) -> Recalled:
    """Safe to run twice: it only reads."""
    try:
        vector = (await model.embed([recall.goal]))[0]
    except StepError:
        vector = None
        ledger.degraded.add("keyword_search")
    rows = await memory.search(
        recall.tenant, recall.goal, top=NOTES, select=["id", "run", "goal", "text"], vector=vector
    )
    return Recalled(
        notes=tuple(Note(source=row["run"], text=f"{row['goal']}\n{row['text']}"[:NOTE_CHARACTERS]) for row in rows)
    )
