"""What a forgetting deletes, noted under its run before it is deleted.

So the receipt counts everything once, though a step may run twice and a deleted row may be found again for a while. The
notes hold ids alone; they are `<run's folder>/deleted/<what>/<SHA-256>` and end with the forgetting.
"""

import hashlib
from collections.abc import Sequence

from murmuration.services.storage.artifacts import ArtifactStore, run_folder


class DeletionLog:
    """The notes of one forgetting."""

    def __init__(self, store: ArtifactStore, run: str) -> None:
        self._store = store
        self.folder = run_folder(run)

    async def record(self, what: str, ids: Sequence[str]) -> None:
        """Noting twice counts once."""
        if ids:
            body = "\n".join(ids).encode()
            await self._store.put(f"{self._notes}/{what}/{hashlib.sha256(body).hexdigest()}", body)

    async def count(self, what: str) -> int:
        """How many different ids are noted."""
        ids: set[bytes] = set()
        for name in await self._store.names(f"{self._notes}/{what}"):
            ids.update((await self._store.get(name)).split(b"\n"))
        return len(ids)

    async def end(self) -> None:
        """Delete the notes, and all else that the forgetting has kept for itself."""
        await self._store.delete(await self._store.names(self.folder))

    @property
    def _notes(self) -> str:
        return f"{self.folder}/deleted"
