"""What is held true on one subject, and when, does not depend on the order in which it is delivered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from murmuration.policy.timeline import MemoryVersion, place_version

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Claim = tuple[int, str]
"""The minute at which it came to be known, and what."""


def delivered(claims: Sequence[Claim]) -> list[MemoryVersion]:
    """What is kept when the claims arrive in this order."""
    kept: dict[str, MemoryVersion] = {}
    for minute, text in claims:
        at = NOON + timedelta(minutes=minute)
        found = place_version(list(kept.values()), text, at)
        begin = at
        if found.repeats is None:
            name = f"{text} revived at {minute}" if found.revived else text
            assert name not in kept
            kept[name] = MemoryVersion(name, text, at, found.until, at, at)
        else:
            old = kept[found.repeats.id]
            begin = min(old.since, at)
            kept[old.id] = replace(old, since=begin, asserted_at=max(old.asserted_at, at))
        for supersede in found.supersedes:
            kept[supersede.id] = replace(supersede, until=begin)
    return sorted(kept.values(), key=lambda each: each.since)


def spans(kept: Sequence[MemoryVersion]) -> list[tuple[str, datetime, datetime | None]]:
    return [(each.text, each.since, each.until) for each in kept]


@st.composite
def deliveries(draw: st.DrawFn, *, return_to_old: bool = True) -> tuple[list[Claim], list[Claim]]:
    """Claims in order of time, and the same in any order, each at least once."""
    minutes = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True)))
    texts = draw(st.lists(st.sampled_from("abc"), min_size=len(minutes), max_size=len(minutes)))
    claims = list(zip(minutes, texts if return_to_old else sorted(texts), strict=True))
    repeated = draw(st.lists(st.sampled_from(claims), max_size=4))
    return claims, draw(st.permutations([*claims, *repeated]))


@given(deliveries(return_to_old=False))
def test_any_order_and_repetition_gives_the_same_timeline(told: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = told

    assert spans(delivered(as_delivered)) == spans(delivered(in_time))


@given(deliveries())
def test_what_was_said_last_holds_in_the_end_whatever_the_order(told: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = told

    assert [each.text for each in delivered(as_delivered) if each.until is None] == [in_time[-1][1]]


@given(deliveries())
def test_repetitions_of_what_came_in_order_change_nothing(told: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = told

    assert delivered([*in_time, *as_delivered]) == delivered(in_time)


@given(deliveries(), st.integers(0, 60))
def test_at_any_moment_at_most_one_holds(told: tuple[list[Claim], list[Claim]], minute: int) -> None:
    at = NOON + timedelta(minutes=minute)

    holding = [each for each in delivered(told[1]) if each.since <= at and (each.until is None or each.until > at)]

    assert len(holding) <= 1
