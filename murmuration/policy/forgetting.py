"""Keys that name deleted documents without revealing them, and the digest that protects a receipt."""

import hashlib
import json
from collections.abc import Iterable

from murmuration.contracts.forgetting import Receipt


def documents_key(tenant: str, user_key: str, sources: Iterable[str]) -> str:
    """24 hexadecimal digits for a set of documents, whatever their order."""
    names = "\0".join((tenant, user_key, *sorted(set(sources))))
    return hashlib.sha256(names.encode()).hexdigest()[:24]


def source_key(tenant: str, user_key: str, source: str) -> str:
    """24 hexadecimal digits for one document."""
    return documents_key(tenant, user_key, (source,))


def digest(receipt: Receipt) -> str:
    """The SHA-256 of the receipt without its digest: keys sorted, no spaces, UTF-8."""
    body = receipt.model_dump(mode="json", exclude={"sha256"})
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def with_digest(receipt: Receipt) -> Receipt:
    return receipt.model_copy(update={"sha256": digest(receipt)})
