"""Keeps one turn of a conversation, and a summary of what is further back."""

import contextlib

from pydantic import JsonValue

from murmuration.contracts.memories import Turn, TurnAppended
from murmuration.contracts.replies import SummaryReply
from murmuration.policy.citations import renumber
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.sessions import KeptTurn, Sessions

KEPT_CHARACTERS = 4_000
MAX_WHOLE_TURNS = 8
"""So many are kept as they are; then those before the last `LAST_TURNS` go into the summary."""
LAST_TURNS = 4


async def append_turn(turn: Turn, model: Model, artifacts: Artifacts, sessions: Sessions) -> TurnAppended:
    """Safe to run twice: a run's turn has one name, and a summary covers a turn once."""
    answer = renumber(await get_text(artifacts, turn.answer), {})[:KEPT_CHARACTERS]
    count = await sessions.add(turn.session, KeptTurn(run=turn.run, at=turn.at, goal=turn.goal, answer=answer))
    with contextlib.suppress(StepError):  # without a summary the turns stay whole, and the next one tries again
        await _shorten(turn.session, model, sessions)
    return TurnAppended(turns=count)


async def _shorten(session: str, model: Model, sessions: Sessions) -> None:
    kept = await sessions.read(session)
    if len(kept.turns) <= MAX_WHOLE_TURNS:
        return
    covered = kept.turns[:-LAST_TURNS]
    turns: list[JsonValue] = [{"goal": each.goal, "answer": each.answer} for each in covered]
    reply = await model.ask("summarizer", {"summary": kept.summary, "turns": turns}, SummaryReply)
    await sessions.shorten(session, reply.summary, covered[-1])
