"""Draws lessons out of a goal and its answer: facts, decisions and preferences worth remembering."""

from murmuration.contracts.memories import ExtractionRequest, ExtractionResult
from murmuration.contracts.replies import LessonsReply
from murmuration.policy.citations import renumber
from murmuration.policy.claims import MAX_LESSONS, lessons_from
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.prompt_inputs import conversation_as_prompt
from murmuration.services.storage.sessions import Sessions


async def extract_lessons(
    request: ExtractionRequest, model: Model, artifacts: Artifacts, sessions: Sessions
) -> ExtractionResult:
    """Safe to run twice: it only asks, and history keeps the first result."""
    reply = await model.ask(
        "archivist",
        {
            "goal": request.goal,
            "answer": renumber(await get_text(artifacts, request.answer), {}),
            "conversation": await conversation_as_prompt(sessions, request.session),
            "known": [{"kind": note.kind, "about": note.about, "text": note.text} for note in request.notes],
            "most": MAX_LESSONS,
        },
        LessonsReply,
    )
    return ExtractionResult(lessons=lessons_from(reply.lessons))
