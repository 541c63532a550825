"""Conversations, kept beside the artifacts: every turn as an object of its own, and a rolling summary.

`<tenant key>/sessions/<session>/turns/<time>-<run>` never changes; `…/summary` tells which turns it covers, so that
whoever reads both at any moment misses none. Only the session's key travels through history.
"""

from datetime import datetime

from murmuration.contracts.base import Contract
from murmuration.services.errors import GiveUp
from murmuration.services.storage.artifacts import ArtifactStore


class KeptTurn(Contract):
    run: str
    at: datetime
    goal: str
    answer: str


class Summary(Contract):
    text: str = ""
    upto: str = ""
    """The name of the last turn that it covers; names sort by time."""


class Conversation(Contract):
    """What is left of a conversation for the next turn."""

    summary: str = ""
    turns: tuple[KeptTurn, ...] = ()
    """Those after the summary, in order."""


class Sessions:
    """The conversations of one tenant."""

    def __init__(self, store: ArtifactStore, tenant_key: str) -> None:
        self._store = store
        self._tenant_key = tenant_key

    async def add(self, session: str, turn: KeptTurn) -> int:
        """Keep a turn; the same run's turn is one. Returns how many there are."""
        await self._store.put(f"{self._turns(session)}/{_name(turn)}", turn.model_dump_json().encode())
        return len(await self._store.names(self._turns(session)))

    async def read(self, session: str) -> Conversation:
        """Empty when there is none of this key."""
        summary = await self._summary(session)
        turns = [await self._turn(name) for name in await self._after(session, summary)]
        return Conversation(summary=summary.text, turns=tuple(turns))

    async def shorten(self, session: str, text: str, covered: KeptTurn) -> None:
        """From now on `text` stands for all turns up to `covered`."""
        summary = Summary(text=text, upto=_name(covered))
        await self._store.put(f"{self.folder(session)}/summary", summary.model_dump_json().encode())

    def folder(self, session: str) -> str:
        return f"{self._tenant_key}/sessions/{session}"

    def _turns(self, session: str) -> str:
        return f"{self.folder(session)}/turns"

    async def _after(self, session: str, summary: Summary) -> list[str]:
        names = await self._store.names(self._turns(session))
        return [name for name in names if name.rpartition("/")[2] > summary.upto]

    async def _turn(self, name: str) -> KeptTurn:
        return KeptTurn.model_validate_json(await self._store.get(name))

    async def _summary(self, session: str) -> Summary:
        try:
            return Summary.model_validate_json(await self._store.get(f"{self.folder(session)}/summary"))
        except GiveUp:
            return Summary()


def _name(turn: KeptTurn) -> str:
    return f"{turn.at:%Y%m%dT%H%M%S.%f}-{turn.run}"
