"""Artifacts: what is too large for history. `file://` on a laptop, `az://` on Azure, by one setting.

An artifact's name is `<tenant key>/<SHA-256>`, so that writing it twice leaves one, and it never changes.
"""

import hashlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from contracts.base import Contract
from contracts.content import INLINE_BYTES, Content, Reference
from services.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from obstore.store import ObjectStore

C = TypeVar("C", bound=Contract)


class Artifacts(Protocol):
    async def put(self, tenant_key: str, body: bytes) -> Reference: ...

    async def get(self, reference: Reference) -> bytes: ...


class StoredArtifacts:
    """Artifacts in an object store; raises `RetryLater` when it can't be reached."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    async def put(self, tenant_key: str, body: bytes) -> Reference:
        from obstore.exceptions import BaseError

        name = f"{tenant_key}/{hashlib.sha256(body).hexdigest()}"
        try:
            await self._store.put_async(name, body)
        except (BaseError, OSError) as error:
            raise RetryLater("artifacts_unavailable", f"artifact {name!r} can't be written") from error
        return Reference(artifact=name, bytes=len(body))

    async def get(self, reference: Reference) -> bytes:
        from obstore.exceptions import BaseError, NotFoundError

        try:
            answer = await self._store.get_async(reference.artifact)
            return bytes(await answer.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise GiveUp("artifact_missing", f"artifact {reference.artifact!r} does not exist") from error
        except (BaseError, OSError) as error:
            message = f"artifact {reference.artifact!r} can't be read"
            raise RetryLater("artifacts_unavailable", message) from error


def _open(url: str) -> "ObjectStore":
    from obstore.store import from_url

    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    from azure.identity import DefaultAzureCredential
    from obstore.auth.azure import AzureCredentialProvider

    return from_url(url, credential_provider=AzureCredentialProvider(DefaultAzureCredential()))


async def put_value(artifacts: Artifacts, tenant_key: str, value: Contract) -> Reference:
    return await artifacts.put(tenant_key, value.model_dump_json().encode())


async def get_value(artifacts: Artifacts, reference: Reference, contract: type[C]) -> C:
    return contract.model_validate_json(await artifacts.get(reference))


async def put_text(artifacts: Artifacts, tenant_key: str, text: str) -> Content:
    """Inline up to `INLINE_BYTES`, a reference above."""
    body = text.encode()
    if len(body) <= INLINE_BYTES:
        return Content(text=text)
    return Content(reference=await artifacts.put(tenant_key, body))


async def get_text(artifacts: Artifacts, content: Content) -> str:
    if content.reference is None:
        return content.text or ""
    return (await artifacts.get(content.reference)).decode()
