"""Appends a turn to a conversation, and summarizes the turns further back."""

import contextlib

from pydantic import JsonValue

from murmuration.contracts.memories import Turn, TurnAppended
from murmuration.contracts.replies import SummaryReply
from murmuration.policy.citations import renumber
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.sessions import Sessions, StoredTurn

MAX_ANSWER_CHARACTERS = 4_000
MAX_WHOLE_TURNS = 8
"""Turns that are kept whole. With more, all but the last `UNSUMMARIZED_TURNS` go into the summary."""
UNSUMMARIZED_TURNS = 4


async def append_turn(turn: Turn, model: Model, artifacts: Artifacts, sessions: Sessions) -> TurnAppended:
    """Safe to run twice: a run's turn has one name, and a summary covers a turn once."""
    answer = renumber(await get_text(artifacts, turn.answer), {})[:MAX_ANSWER_CHARACTERS]
    stored = StoredTurn(run=turn.run, at=turn.at, goal=turn.goal, answer=answer)
    count = await sessions.append(turn.session, stored)
    with contextlib.suppress(StepError):  # without a summary the turns stay whole, and the next turn tries again
        await _summarize(turn.session, model, sessions)
    return TurnAppended(turns=count)


async def _summarize(session: str, model: Model, sessions: Sessions) -> None:
    conversation = await sessions.read(session)
    if len(conversation.turns) <= MAX_WHOLE_TURNS:
        return
    covered = conversation.turns[:-UNSUMMARIZED_TURNS]
    turns: list[JsonValue] = [{"goal": turn.goal, "answer": turn.answer} for turn in covered]
    reply = await model.ask("summarizer", {"summary": conversation.summary, "turns": turns}, SummaryReply)
    await sessions.summarize(session, reply.summary, covered[-1])
