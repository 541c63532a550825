"""Artifacts: what is too large for history. `file://` on a laptop, `az://` on Azure, by one setting.

A run's artifacts are named `<tenant key>/runs/<run>/<SHA-256>`: writing one twice leaves one, it never changes, and all
of a run, or of a tenant, can be found and deleted by the beginning of their names.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from murmuration.contracts.base import Contract
from murmuration.contracts.content import INLINE_BYTES, Content, Reference
from murmuration.services.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from obstore.store import ObjectStore

C = TypeVar("C", bound=Contract)


class Artifacts(Protocol):
    """What activities need: the artifacts of the run they work for."""

    async def put(self, body: bytes) -> Reference: ...

    async def get(self, reference: Reference) -> bytes: ...


class ArtifactStore:
    """Named objects. Raises `RetryLater` when the store can't be reached, `GiveUp` for a name that isn't there."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    async def put(self, name: str, body: bytes) -> None:
        with _translated(name):
            await self._store.put_async(name, body)

    async def get(self, name: str) -> bytes:
        with _translated(name):
            answer = await self._store.get_async(name)
            return bytes(await answer.bytes_async())

    async def names(self, folder: str) -> list[str]:
        """Of all objects below a folder, sorted."""
        found: list[str] = []
        with _translated(folder):
            async for some in self._store.list(folder):
                found += [each["path"] for each in some]
        return sorted(found)

    async def delete(self, names: Sequence[str]) -> None:
        """A name that isn't there is fine."""
        from obstore.exceptions import NotFoundError

        for name in names:
            with _translated(name):
                try:
                    await self._store.delete_async(name)
                except (NotFoundError, FileNotFoundError):
                    continue

    def of_run(self, run: str) -> "RunArtifacts":
        return RunArtifacts(self, run)


class RunArtifacts:
    """`Artifacts` of one run: it writes its own, and reads those of its tenant."""

    def __init__(self, store: ArtifactStore, run: str) -> None:
        self._store = store
        self._folder = run_folder(run)
        self._tenant = f"{self._folder.partition('/')[0]}/"

    async def put(self, body: bytes) -> Reference:
        name = f"{self._folder}/{hashlib.sha256(body).hexdigest()}"
        await self._store.put(name, body)
        return Reference(artifact=name, bytes=len(body))

    async def get(self, reference: Reference) -> bytes:
        if not reference.artifact.startswith(self._tenant):
            raise GiveUp("artifact_missing", f"artifact {reference.artifact!r} does not exist")
        return await self._store.get(reference.artifact)


def run_folder(run: str) -> str:
    """Where a run's artifacts are. A run's id begins with the key of its tenant and a hyphen."""
    return f"{run.partition('-')[0]}/runs/{run}"


@contextmanager
def _translated(name: str) -> Iterator[None]:
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise GiveUp("artifact_missing", f"artifact {name!r} does not exist") from error
    except (BaseError, OSError) as error:
        raise RetryLater("artifacts_unavailable", f"artifact {name!r} can't be reached") from error


def _open(url: str) -> "ObjectStore":
    from obstore.store import from_url

    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    from azure.identity import DefaultAzureCredential
    from obstore.auth.azure import AzureCredentialProvider

    return from_url(url, credential_provider=AzureCredentialProvider(DefaultAzureCredential()))


async def put_value(artifacts: Artifacts, value: Contract) -> Reference:
    return await artifacts.put(value.model_dump_json().encode())


async def get_value(artifacts: Artifacts, reference: Reference, contract: type[C]) -> C:
    return contract.model_validate_json(await artifacts.get(reference))


async def put_text(artifacts: Artifacts, text: str) -> Content:
    """Inline up to `INLINE_BYTES`, a reference above."""
    body = text.encode()
    if len(body) <= INLINE_BYTES:
        return Content(text=text)
    return Content(reference=await artifacts.put(body))


async def get_text(artifacts: Artifacts, content: Content) -> str:
    if content.reference is None:
        return content.text or ""
    return (await artifacts.get(content.reference)).decode()
