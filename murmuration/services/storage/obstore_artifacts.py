"""An `ArtifactStore` through obstore: `file://` on a laptop, `az://` in Azure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from murmuration.services.errors import RetryLater
from murmuration.services.storage.artifacts import RunArtifacts, missing_artifact


class ObstoreArtifacts:
    """An `ArtifactStore` over one obstore client."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, name: str, body: bytes) -> None:
        with _store_errors(name):
            await self._store.put_async(name, body)

    async def get(self, name: str) -> bytes:
        with _store_errors(name):
            result = await self._store.get_async(name)
            return bytes(await result.bytes_async())

    async def names(self, folder: str) -> list[str]:
        names: list[str] = []
        with _store_errors(folder):
            async for objects in self._store.list(folder):
                names += [entry["path"] for entry in objects]
        return sorted(names)

    async def delete(self, names: Sequence[str]) -> None:
        for name in names:
            with _store_errors(name):
                try:
                    await self._store.delete_async(name)
                except (NotFoundError, FileNotFoundError):
                    continue

    def of_run(self, run: str) -> RunArtifacts:
        return RunArtifacts(self, run)


@contextmanager
def _store_errors(name: str) -> Iterator[None]:
    """Turn what obstore raises into `StepError`s."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise missing_artifact(name) from error
    except (BaseError, OSError) as error:
        raise RetryLater("artifacts_unavailable", f"artifact {name!r} can't be reached") from error
