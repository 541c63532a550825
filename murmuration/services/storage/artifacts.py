"""Artifacts: values that are too large for history.

A run's artifacts are named `<tenant key>/runs/<run>/<SHA-256>`. Writing one twice leaves one, it never changes, and all
artifacts of a run or a tenant can be listed and deleted by the beginning of their names.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

from murmuration.contracts.base import Contract
from murmuration.contracts.content import INLINE_BYTES, Content, Reference
from murmuration.services.errors import GiveUp

C = TypeVar("C", bound=Contract)


class Artifacts(Protocol):
    """The artifacts that a step may use: it writes those of its run and reads those of its tenant."""

    async def put(self, body: bytes) -> Reference: ...

    async def get(self, reference: Reference) -> bytes: ...


class ArtifactStore(Protocol):
    """Named objects.

    Every method raises `RetryLater` when the store can't be reached, and `get` raises `GiveUp` for an unknown name.
    """

    async def put(self, name: str, body: bytes) -> None: ...

    async def get(self, name: str) -> bytes: ...

    async def names(self, folder: str) -> list[str]:
        """Return the names of all objects below a folder, sorted."""
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects; skip names that don't exist."""
        ...

    def of_run(self, run: str) -> "RunArtifacts": ...


class RunArtifacts:
    """`Artifacts` of one run."""

    def __init__(self, store: ArtifactStore, run: str) -> None:
        self._store = store
        self._folder = run_folder(run)
        self._tenant_folder = f"{self._folder.partition('/')[0]}/"

    async def put(self, body: bytes) -> Reference:
        name = f"{self._folder}/{hashlib.sha256(body).hexdigest()}"
        await self._store.put(name, body)
        return Reference(artifact=name, bytes=len(body))

    async def get(self, reference: Reference) -> bytes:
        if not reference.artifact.startswith(self._tenant_folder):
            raise missing_artifact(reference.artifact)
        return await self._store.get(reference.artifact)


def missing_artifact(name: str) -> GiveUp:
    return GiveUp("artifact_missing", f"artifact {name!r} does not exist")


def run_folder(run: str) -> str:
    """Return the folder of a run's artifacts. A run's id begins with the key of its tenant and a hyphen."""
    return f"{run.partition('-')[0]}/runs/{run}"


async def put_value(artifacts: Artifacts, value: Contract) -> Reference:
    return await artifacts.put(value.model_dump_json().encode())


async def get_value(artifacts: Artifacts, reference: Reference, contract: type[C]) -> C:
    return contract.model_validate_json(await artifacts.get(reference))


async def put_text(artifacts: Artifacts, text: str) -> Content:
    """Return the text inline up to `INLINE_BYTES`; store longer text and return its reference."""
    body = text.encode()
    if len(body) <= INLINE_BYTES:
        return Content(text=text)
    return Content(reference=await artifacts.put(body))


async def get_text(artifacts: Artifacts, content: Content) -> str:
    if content.reference is None:
        return content.text or ""
    return (await artifacts.get(content.reference)).decode()
