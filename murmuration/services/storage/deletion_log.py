"""The log of a run that forgets: ids are recorded before what they name is deleted.

So the receipt counts everything once, though a step may run twice and a deleted row may turn up in searches for a
while. The log holds ids alone, in `<run's folder>/deleted/<kind>/<SHA-256>`, and is deleted with the run's end.
"""

import hashlib
from collections.abc import Sequence

from murmuration.services.storage.artifacts import ArtifactStore, run_folder


class DeletionLog:
    """The log of one run that forgets."""

    def __init__(self, store: ArtifactStore, run: str) -> None:
        self._store = store
        self.folder = run_folder(run)

    async def record(self, kind: str, ids: Sequence[str]) -> None:
        """Add ids of a kind; an id that is recorded twice counts once."""
        if ids:
            body = "\n".join(ids).encode()
            await self._store.put(f"{self._records}/{kind}/{hashlib.sha256(body).hexdigest()}", body)

    async def count(self, kind: str) -> int:
        """Return how many different ids of a kind are recorded."""
        ids: set[bytes] = set()
        for name in await self._store.names(f"{self._records}/{kind}"):
            ids.update((await self._store.get(name)).split(b"\n"))
        return len(ids)

    async def delete(self) -> None:
        """Delete the log and everything else that the run keeps for itself."""
        await self._store.delete(await self._store.names(self.folder))

    @property
    def _records(self) -> str:
        return f"{self.folder}/deleted"
