"""Keys of documents depend on the set of documents alone, and a receipt that was changed no longer fits its digest."""

import hashlib
from datetime import UTC, datetime

import pytest

from murmuration.contracts.forgetting import Receipt
from murmuration.policy.forgetting import digest, documents_key, source_key, with_digest

RECEIPT = Receipt(
    id="run",
    kind="user",
    key="key",
    verified=True,
    started=datetime(2026, 1, 1, tzinfo=UTC),
    finished=datetime(2026, 1, 2, tzinfo=UTC),
    problems=("memory:é",),
)


def test_a_set_of_documents_has_one_key_whatever_its_order() -> None:
    key = documents_key("t", "u", ["b.md", "a.md", "b.md"])

    assert key == documents_key("t", "u", ("a.md", "b.md"))
    assert len(key) == 24
    assert "a.md" not in key


@pytest.mark.parametrize(
    "other",
    [
        documents_key("other", "u", ["a.md"]),
        documents_key("t", "other", ["a.md"]),
        documents_key("t", "u", ["b.md"]),
        documents_key("t", "u", ["a.md", "b.md"]),
        documents_key("t", "", ["u", "a.md"]),
    ],
    ids=["tenant", "user", "document", "one more", "user as a document"],
)
def test_other_documents_or_owners_have_another_key(other: str) -> None:
    assert other != documents_key("t", "u", ["a.md"])


def test_one_document_has_the_key_of_its_set() -> None:
    assert source_key("t", "u", "a.md") == documents_key("t", "u", ["a.md"])


def test_a_digest_is_the_sha256_of_the_canonical_json() -> None:
    """The JSON is written out, as somebody would who checks a receipt: sorted keys, no spaces, UTF-8, no `sha256`."""
    canonical = (
        '{"deleted":{"artifacts":0,"conversations":0,"records":0,"rows":{},"runs":0,"stopped":0},'
        '"finished":"2026-01-02T00:00:00Z","id":"run","key":"key","kind":"user","problems":["memory:é"],'
        '"read_back":0,"remains":{},"started":"2026-01-01T00:00:00Z","verified":true}'
    )

    assert digest(RECEIPT) == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_receipt_carries_its_digest_which_does_not_count_itself() -> None:
    receipt = with_digest(RECEIPT)

    assert receipt.sha256 == digest(RECEIPT) == digest(receipt)
    assert digest(receipt.model_copy(update={"verified": False})) != receipt.sha256


def test_a_key_is_found_again_by_later_versions() -> None:
    """Keys are stored: another one for the same document would leave its data behind."""
    assert source_key("contoso", "", "a.md") == hashlib.sha256(b"contoso\0\0a.md").hexdigest()[:24]
