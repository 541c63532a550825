"""A link says what was signed, or nothing; a seal fits one vote alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.approvals import Vote
from murmuration.policy.links import Claims, LinkRefused, is_genuine, read_link, sign, sign_vote

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIMS = Claims(gate="k-run-gate-1", panel=0, asked="a" * 64, approver="alice@example.com", expires=NOON)
VOTE = Vote(
    gate="k-run-gate-1",
    panel=0,
    asked="a" * 64,
    approver="alice@example.com",
    choice="approve",
    comment="fine",
    id="1",
    at=NOON,
    signature="",
)
LINK = sign(SECRET, CLAIMS)


def test_a_link_says_what_was_signed_and_is_the_same_every_time() -> None:
    assert read_link(SECRET, LINK) == CLAIMS
    assert sign(SECRET, CLAIMS) == LINK
    assert len(LINK) < 500, "it fits into a line of a mail and a segment of a URL"


@pytest.mark.parametrize("place", range(0, len(LINK), 7))
def test_a_link_with_one_character_changed_is_refused(place: int) -> None:
    other = "A" if LINK[place] != "A" else "B"

    with pytest.raises(LinkRefused, match="incomplete or was altered"):
        read_link(SECRET, LINK[:place] + other + LINK[place + 1 :])


@pytest.mark.parametrize("cut", [0, 1, len(LINK) // 2, len(LINK) - 1])
def test_a_link_that_was_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET, LINK[:cut])


def test_a_link_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET[::-1], LINK)


@given(st.text())
def test_no_text_is_a_link_by_chance(text: str) -> None:
    with pytest.raises(LinkRefused):
        read_link(SECRET, text)


@pytest.mark.parametrize("field", ["gate", "panel", "asked", "approver", "expires"])
def test_every_part_of_what_a_link_says_is_signed(field: str) -> None:
    changed = {
        "gate": "k-run-gate-2",
        "panel": 1,
        "asked": "b" * 64,
        "approver": "eve@example.com",
        "expires": NOON.replace(hour=13),
    }
    body = sign(SECRET, CLAIMS.model_copy(update={field: changed[field]})).partition(".")[0]

    with pytest.raises(LinkRefused):
        read_link(SECRET, f"{body}.{LINK.partition('.')[2]}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gate", "k-run-gate-2"),
        ("panel", 1),
        ("asked", "b" * 64),
        ("approver", "eve@example.com"),
        ("choice", "reject"),
        ("comment", "not fine"),
        ("id", "2"),
        ("at", NOON.replace(hour=13)),
        ("signature", "AAAA"),
        ("signature", "ä"),
    ],
)
def test_a_seal_fits_the_vote_it_was_made_for_alone(field: str, value: object) -> None:
    sealed = sign_vote(SECRET, VOTE)

    assert is_genuine(SECRET, Vote.model_validate_json(sealed.model_dump_json()))
    assert not is_genuine(SECRET[::-1], sealed)
    assert not is_genuine(SECRET, sealed.model_copy(update={field: value}))


def test_the_signature_of_a_link_is_no_seal() -> None:
    assert not is_genuine(SECRET, VOTE.model_copy(update={"signature": LINK.partition(".")[2]}))
