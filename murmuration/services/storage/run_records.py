"""Records of runs: small objects, written before a run starts, that tell whose run it is by keys alone.

`<tenant key>/owners/<user key or ->/<session key or ->/<run>` records a run of that user and session. A run that reads
documents also has `<tenant key>/readings/<user key or ->/<run>`, with the keys of the documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from murmuration.contracts.base import Contract
from murmuration.services.errors import GiveUp
from murmuration.services.storage.artifacts import ArtifactStore

NOBODY = "-"


class ReadingRecord(Contract):
    """The content of a record of a run that reads documents."""

    documents: tuple[str, ...]
    """Keys (`murmuration.policy.forgetting.source_key`)."""


@dataclass(frozen=True)
class RunRecord:
    """A record of a run; `user` and `session` are keys, empty for none."""

    name: str
    """The object's name; empty for a run without a record."""
    user: str
    session: str
    run: str


class RunRecords:
    """The records of one tenant."""

    def __init__(self, store: ArtifactStore, tenant_key: str) -> None:
        self._store = store
        self._owners = f"{tenant_key}/owners"
        self._readings = f"{tenant_key}/readings"

    async def write(self, run: str, *, user: str, session: str = "", documents: Sequence[str] = ()) -> None:
        """Write a run's record; writing it twice leaves one.

        The starter writes it before the run starts, so that every run has a record, and again afterwards: a forgetting
        in between may have deleted the record of a run that did not exist yet.
        """
        if documents:
            reading = ReadingRecord(documents=tuple(documents))
            await self._store.put(f"{self._readings}/{user or NOBODY}/{run}", reading.model_dump_json().encode())
        await self._store.put(f"{self._owners}/{user or NOBODY}/{session or NOBODY}/{run}", b"{}")

    async def all(self) -> list[RunRecord]:
        """Return all records by name."""
        return await self._in_folder(self._owners)

    async def of_user(self, user: str) -> list[RunRecord]:
        return await self._in_folder(f"{self._owners}/{user}")

    async def of_session(self, user: str, session: str) -> list[RunRecord]:
        return await self._in_folder(f"{self._owners}/{user or NOBODY}/{session}")

    async def of_run(self, run: str) -> list[RunRecord]:
        return [record for record in await self.all() if record.run == run]

    async def readings(self, user: str, documents: Sequence[str]) -> list[RunRecord]:
        """Return the runs that have read one of these documents and have not been forgotten since."""
        records = []
        wanted = set(documents)
        for name in await self._store.names(f"{self._readings}/{user or NOBODY}"):
            try:
                reading = ReadingRecord.model_validate_json(await self._store.get(name))
            except GiveUp:  # deleted since it was listed
                continue
            if wanted & set(reading.documents):
                records.append(RunRecord(name, user, "", name.rpartition("/")[2]))
        return records

    async def delete(self, record: RunRecord) -> None:
        """Delete a record and its list of documents; one that doesn't exist is skipped."""
        await self._store.delete([f"{self._readings}/{record.user or NOBODY}/{record.run}", record.name])

    async def _in_folder(self, folder: str) -> list[RunRecord]:
        return [_record(name) for name in await self._store.names(folder)]


def _record(name: str) -> RunRecord:
    user, session, run = name.split("/")[-3:]
    return RunRecord(name, "" if user == NOBODY else user, "" if session == NOBODY else session, run)
