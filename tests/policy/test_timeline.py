"""The timeline of a subject does not depend on the order in which its assertions are delivered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from murmuration.policy.timeline import MemoryVersion, VersionPlacement, place_version

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Claim = tuple[int, str]
"""The minute of an assertion, and its text."""


def delivered(claims: Sequence[Claim]) -> list[MemoryVersion]:
    """The versions that are stored when the claims arrive in this order."""
    stored: dict[str, MemoryVersion] = {}
    for minute, text in claims:
        at = NOON + timedelta(minutes=minute)
        placement = place_version(list(stored.values()), text, at)
        begin = at
        if placement.repeats is None:
            name = f"{text} revived at {minute}" if placement.revived else text
            assert name not in stored
            stored[name] = MemoryVersion(name, text, at, placement.until, at, at)
        else:
            old = stored[placement.repeats.id]
            begin = min(old.since, at)
            stored[old.id] = replace(old, since=begin, asserted_at=max(old.asserted_at, at))
        for supersede in placement.supersedes:
            stored[supersede.id] = replace(supersede, until=begin)
    return sorted(stored.values(), key=lambda version: version.since)


def spans(versions: Sequence[MemoryVersion]) -> list[tuple[str, datetime, datetime | None]]:
    return [(version.text, version.since, version.until) for version in versions]


@st.composite
def deliveries(draw: st.DrawFn, *, return_to_old: bool = True) -> tuple[list[Claim], list[Claim]]:
    """Claims in order of time, and the same in any order with repetitions."""
    minutes = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True)))
    texts = draw(st.lists(st.sampled_from("abc"), min_size=len(minutes), max_size=len(minutes)))
    claims = list(zip(minutes, texts if return_to_old else sorted(texts), strict=True))
    repeated = draw(st.lists(st.sampled_from(claims), max_size=4))
    return claims, draw(st.permutations([*claims, *repeated]))


@given(deliveries(return_to_old=False))
def test_any_order_and_repetition_gives_the_same_timeline(claims: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = claims

    assert spans(delivered(as_delivered)) == spans(delivered(in_time))


@given(deliveries())
def test_the_latest_assertion_holds_in_the_end_whatever_the_order(claims: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = claims

    assert [version.text for version in delivered(as_delivered) if version.until is None] == [in_time[-1][1]]


@given(deliveries())
def test_repetitions_of_assertions_that_came_in_order_change_nothing(claims: tuple[list[Claim], list[Claim]]) -> None:
    in_time, as_delivered = claims

    assert delivered([*in_time, *as_delivered]) == delivered(in_time)


@given(deliveries(), st.integers(0, 60))
def test_at_most_one_version_holds_at_any_time(claims: tuple[list[Claim], list[Claim]], minute: int) -> None:
    at = NOON + timedelta(minutes=minute)

    holding = [
        version
        for version in delivered(claims[1])
        if version.since <= at and (version.until is None or version.until > at)
    ]

    assert len(holding) <= 1


def version(text: str, since: int, until: int | None = None, *, asserted: int | None = None) -> MemoryVersion:
    """A version that held from one minute to another."""
    begin = NOON + timedelta(minutes=since)
    end = None if until is None else NOON + timedelta(minutes=until)
    return MemoryVersion(f"{text}{since}", text, begin, end, NOON + timedelta(minutes=asserted or since), begin)


def placed(text: str, minute: int, *versions: MemoryVersion) -> VersionPlacement:
    return place_version(versions, text, NOON + timedelta(minutes=minute))


def test_the_first_assertion_on_a_subject_holds_from_now_on() -> None:
    placement = placed("a", 5)

    assert (placement.repeats, placement.newer, placement.supersedes, placement.revived) == (None, None, (), False)
    assert placement.until is None


def test_another_text_supersedes_what_holds() -> None:
    old = version("a", 1)

    placement = placed("b", 5, old)

    assert (placement.supersedes, placement.newer, placement.revived) == ((old,), None, False)


def test_the_same_text_again_is_a_repetition() -> None:
    old = version("a", 1)

    placement = placed("a", 5, old)

    assert (placement.repeats, placement.supersedes) == (old, ())
    assert (placement.until, placement.newer) == (None, None)


def test_a_late_assertion_ends_where_the_newer_one_begins() -> None:
    newer = version("b", 9)

    placement = placed("a", 5, newer)

    assert (placement.newer, placement.until, placement.supersedes) == (newer, newer.since, ())


def test_a_late_assertion_of_what_holds_later_only_makes_it_begin_earlier() -> None:
    old, newer = version("a", 1), version("b", 9)

    placement = placed("b", 5, old, newer)

    assert (placement.repeats, placement.supersedes) == (newer, (old,))


def test_an_assertion_within_the_time_of_another_text_holds_for_no_time() -> None:
    around = version("a", 1, asserted=9)

    placement = placed("b", 5, around)

    assert (placement.newer, placement.until, placement.supersedes) == (around, NOON + timedelta(minutes=5), ())
    assert placement.repeats is None


def test_such_an_assertion_that_is_delivered_twice_is_a_repetition() -> None:
    around, passed = version("a", 1, asserted=9), version("b", 5, 5)

    assert placed("b", 5, around, passed).repeats == passed


def test_a_text_that_held_before_is_revived() -> None:
    placement = placed("a", 9, version("a", 1, 5), version("b", 5))

    assert placement.revived
    assert placement.repeats is None


def test_writers_that_did_not_see_each_other_leave_one_version_that_holds() -> None:
    first, second = version("a", 1), version("b", 3)

    assert placed("b", 5, second, first).supersedes == (first,)
    assert placed("c", 5, second, first).supersedes == (first, second)


def test_an_assertion_at_the_time_of_the_last_one_supersedes_it() -> None:
    old = version("a", 1, asserted=5)

    assert placed("b", 5, old).supersedes == (old,)


def test_a_version_that_held_for_no_time_ends_no_other() -> None:
    passed, newer = version("b", 5, 5), version("a", 9)

    placement = placed("c", 5, passed, newer)

    assert (placement.newer, placement.until) == (newer, newer.since)
