"""Conversations: every turn is an object of its own, beside a rolling summary.

`<tenant key>/sessions/<session>/turns/<time>-<run>` never changes. `…/summary` names the last turn that it covers, so a
reader of both misses no turn at any time. Only the session's key travels through history.
"""

from datetime import datetime

from murmuration.contracts.base import Contract
from murmuration.services.errors import GiveUp
from murmuration.services.storage.artifacts import ArtifactStore


class StoredTurn(Contract):
    """One goal of a conversation and its answer."""

    run: str
    at: datetime
    goal: str
    answer: str


class Summary(Contract):
    """The summary of a conversation's first turns."""

    text: str = ""
    last_turn: str = ""
    """The name of the last turn that it covers; names sort by time."""


class Conversation(Contract):
    """A conversation as the next turn reads it."""

    summary: str = ""
    turns: tuple[StoredTurn, ...] = ()
    """The turns after the summary, in order."""


class Sessions:
    """The conversations of one tenant."""

    def __init__(self, store: ArtifactStore, tenant_key: str) -> None:
        self._store = store
        self._tenant_key = tenant_key

    async def append(self, session: str, turn: StoredTurn) -> int:
        """Write a turn, one for each run; returns how many turns there are."""
        await self._store.put(f"{self._turns(session)}/{_name(turn)}", turn.model_dump_json().encode())
        return len(await self._store.names(self._turns(session)))

    async def read(self, session: str) -> Conversation:
        """Return the conversation; an empty one if it does not exist."""
        summary = await self._summary(session)
        turns = [await self._turn(name) for name in await self._names_after(session, summary)]
        return Conversation(summary=summary.text, turns=tuple(turns))

    async def summarize(self, session: str, text: str, last_turn: StoredTurn) -> None:
        """Let `text` stand for all turns up to `last_turn` from now on."""
        summary = Summary(text=text, last_turn=_name(last_turn))
        await self._store.put(f"{self.folder(session)}/summary", summary.model_dump_json().encode())

    def folder(self, session: str) -> str:
        return f"{self._tenant_key}/sessions/{session}"

    def _turns(self, session: str) -> str:
        return f"{self.folder(session)}/turns"

    async def _names_after(self, session: str, summary: Summary) -> list[str]:
        names = await self._store.names(self._turns(session))
        return [name for name in names if name.rpartition("/")[2] > summary.last_turn]

    async def _turn(self, name: str) -> StoredTurn:
        return StoredTurn.model_validate_json(await self._store.get(name))

    async def _summary(self, session: str) -> Summary:
        try:
            return Summary.model_validate_json(await self._store.get(f"{self.folder(session)}/summary"))
        except GiveUp:
            return Summary()


def _name(turn: StoredTurn) -> str:
    return f"{turn.at:%Y%m%dT%H%M%S.%f}-{turn.run}"
