"""Whose runs there are: a small object for each, written before the run starts, that holds only keys.

`<tenant key>/owners/<user key or ->/<session key or ->/<run>` is a run of that user and session. One that reads
documents has `<tenant key>/readings/<user key or ->/<run>` beside it, with the keys of the documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from murmuration.contracts.base import Contract
from murmuration.services.errors import GiveUp
from murmuration.services.storage.artifacts import ArtifactStore

NOBODY = "-"


class ReadingRecord(Contract):
    documents: tuple[str, ...]
    """Keys (`murmuration.policy.forgetting.source_key`)."""


@dataclass(frozen=True)
class RunRecord:
    """`name` is the object's; the keys are empty for none."""

    name: str
    user: str
    session: str
    run: str


class RunRecords:
    """The records of one tenant."""

    def __init__(self, store: ArtifactStore, tenant_key: str) -> None:
        self._store = store
        self._owners = f"{tenant_key}/owners"
        self._readings = f"{tenant_key}/readings"

    async def keep(self, run: str, *, user: str, session: str = "", documents: Sequence[str] = ()) -> None:
        """Writing it twice leaves one. The starter writes it before the run starts, so that no run is without, and
        again after that: in between, a forgetting may have deleted the record of a run that was not there yet.
        """
        if documents:
            read = ReadingRecord(documents=tuple(documents))
            await self._store.put(f"{self._readings}/{user or NOBODY}/{run}", read.model_dump_json().encode())
        await self._store.put(f"{self._owners}/{user or NOBODY}/{session or NOBODY}/{run}", b"{}")

    async def all(self) -> list[RunRecord]:
        """By name."""
        return await self._in(self._owners)

    async def of_user(self, user: str) -> list[RunRecord]:
        return await self._in(f"{self._owners}/{user}")

    async def of_session(self, user: str, session: str) -> list[RunRecord]:
        return await self._in(f"{self._owners}/{user or NOBODY}/{session}")

    async def of_run(self, run: str) -> list[RunRecord]:
        return [each for each in await self.all() if each.run == run]

    async def readings(self, user: str, documents: Sequence[str]) -> list[RunRecord]:
        """Runs that have read one of these documents, and have not been forgotten since."""
        found = []
        wanted = set(documents)
        for name in await self._store.names(f"{self._readings}/{user or NOBODY}"):
            try:
                record = ReadingRecord.model_validate_json(await self._store.get(name))
            except GiveUp:  # deleted since it was listed
                continue
            if wanted & set(record.documents):
                found.append(RunRecord(name, user, "", name.rpartition("/")[2]))
        return found

    async def delete(self, record: RunRecord) -> None:
        """With what it says of documents; one that isn't there is fine."""
        await self._store.delete([f"{self._readings}/{record.user or NOBODY}/{record.run}", record.name])

    async def _in(self, folder: str) -> list[RunRecord]:
        return [_record(name) for name in await self._store.names(folder)]


def _record(name: str) -> RunRecord:
    user, session, run = name.split("/")[-3:]
    return RunRecord(name, "" if user == NOBODY else user, "" if session == NOBODY else session, run)
