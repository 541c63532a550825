"""A link holds the claims that were signed, or is refused; a signature fits one vote alone."""

import base64
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, base64_encode

from murmuration.contracts.approvals import Vote
from murmuration.policy.links import (
    MAX_LINK_CHARACTERS,
    Claims,
    LinkRefused,
    is_genuine,
    read_link,
    sign_link,
    sign_vote,
)

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIMS = Claims(gate="k-run-gate-1", panel=0, content_hash="a" * 64, approver="alice@example.com", expires=NOON)
VOTE = Vote(
    gate="k-run-gate-1",
    panel=0,
    content_hash="a" * 64,
    approver="alice@example.com",
    choice="approve",
    comment="fine",
    id="1",
    at=NOON,
    signature="",
)
LINK = sign_link(SECRET, CLAIMS)


def test_a_link_holds_the_claims_and_is_the_same_every_time() -> None:
    assert read_link(SECRET, LINK) == CLAIMS
    assert sign_link(SECRET, CLAIMS) == LINK
    assert len(LINK) < 500, "it fits into a line of a mail and a segment of a URL"


def mac(purpose: str, text: str) -> str:
    """Compute the signature without the library: HMAC-SHA256, with a key derived by HMAC-SHA256 for the purpose."""
    key = hmac.digest(SECRET.encode(), f"murmuration.{purpose}".encode(), "sha256")
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()


def test_links_and_votes_are_signed_with_hmac_sha256_and_a_key_for_each_purpose() -> None:
    body, _, signature = LINK.partition(".")

    assert signature == mac("link", body)
    assert sign_vote(SECRET, VOTE).signature == mac("vote", VOTE.model_dump_json(exclude={"signature"}))


@pytest.mark.parametrize("index", [*range(0, len(LINK), 7), len(LINK) - 1])
def test_a_link_with_one_character_changed_is_refused(index: int) -> None:
    for other in "AB_":
        if LINK[index] != other:
            with pytest.raises(LinkRefused, match="incomplete or was altered"):
                read_link(SECRET, LINK[:index] + other + LINK[index + 1 :])


def test_a_signature_has_one_spelling() -> None:
    """The last of its 43 characters has two spare bits, which base64 ignores."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            accepted.append(read_link(SECRET, LINK[:-1] + last))
        except LinkRefused:
            continue

    assert accepted == [CLAIMS]


@pytest.mark.parametrize("cut", [0, 1, len(LINK) // 2, len(LINK) - 1])
def test_a_link_that_was_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET, LINK[:cut])


@pytest.mark.parametrize("more", [" ", "=", ".", "ä", "\ud800", "\n", "A" * 100])
def test_a_link_with_something_added_is_refused(more: str) -> None:
    for altered in (LINK + more, more + LINK):
        with pytest.raises(LinkRefused):
            read_link(SECRET, altered)


def test_a_link_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET[::-1], LINK)


def test_a_link_signed_for_another_purpose_is_refused() -> None:
    body = LINK.partition(".")[0]
    vote_signature = sign_vote(SECRET, VOTE).signature
    others = (
        Signer(SECRET).sign(body).decode(),
        Signer(SECRET, salt="murmuration.vote", key_derivation="hmac", digest_method="sha256").sign(body).decode(),
        f"{base64_encode(VOTE.model_dump_json(exclude={'signature'})).decode()}.{vote_signature}",
    )

    for other in others:
        with pytest.raises(LinkRefused, match="incomplete or was altered"):
            read_link(SECRET, other)


def test_a_link_longer_than_any_is_refused_before_it_is_read() -> None:
    too_long = sign_link(SECRET, CLAIMS.model_copy(update={"gate": "k" * MAX_LINK_CHARACTERS}))

    with pytest.raises(LinkRefused):
        read_link(SECRET, too_long)


def test_a_link_of_another_version_of_the_app_says_so() -> None:
    older = CLAIMS.model_copy(update={"panel": "first"})

    with pytest.warns(UserWarning, match="Expected `int`"):
        link = sign_link(SECRET, older)
    with pytest.raises(LinkRefused, match="another version"):
        read_link(SECRET, link)


@given(st.text())
def test_no_text_is_a_link_by_chance(text: str) -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET, text)


@pytest.mark.parametrize("field", ["gate", "panel", "content_hash", "approver", "expires"])
def test_every_claim_of_a_link_is_signed(field: str) -> None:
    changed = {
        "gate": "k-run-gate-2",
        "panel": 1,
        "content_hash": "b" * 64,
        "approver": "eve@example.com",
        "expires": NOON.replace(hour=13),
    }
    body = sign_link(SECRET, CLAIMS.model_copy(update={field: changed[field]})).partition(".")[0]

    with pytest.raises(LinkRefused):
        read_link(SECRET, f"{body}.{LINK.partition('.')[2]}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gate", "k-run-gate-2"),
        ("panel", 1),
        ("content_hash", "b" * 64),
        ("approver", "eve@example.com"),
        ("choice", "reject"),
        ("comment", "not fine"),
        ("id", "2"),
        ("id", "\ud800"),
        ("at", NOON.replace(hour=13)),
        ("signature", ""),
        ("signature", "AAAA"),
        ("signature", "ä"),
        ("signature", "\ud800"),
    ],
)
def test_a_signature_fits_the_vote_it_was_made_for_alone(field: str, value: object) -> None:
    signed = sign_vote(SECRET, VOTE)

    assert is_genuine(SECRET, Vote.model_validate_json(signed.model_dump_json()))
    assert not is_genuine(SECRET[::-1], signed)
    assert not is_genuine(SECRET, signed.model_copy(update={field: value}))


def test_the_signature_of_a_link_is_none_of_a_vote() -> None:
    text = VOTE.model_dump_json(exclude={"signature"})
    by_link = Signer(SECRET, salt="murmuration.link", key_derivation="hmac", digest_method="sha256")

    for signature in (LINK.partition(".")[2], by_link.get_signature(text).decode()):
        assert not is_genuine(SECRET, VOTE.model_copy(update={"signature": signature}))
