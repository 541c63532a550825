"""Places are never more than the limit, go by order of arrival, and nobody who asks is lost."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.admission import Acquire, ActiveRuns, Admission, Release, Wake
from murmuration.policy.active_runs import HOLDER_CHECK_INTERVAL, acquire, release

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = tuple("abcdefgh")


def ask(
    state: ActiveRuns, run: str, *, limit: int = 1, event: str = "e", seconds: float = 0, again: bool = False
) -> tuple[ActiveRuns, Admission]:
    at = START + timedelta(seconds=seconds)
    return acquire(state, Acquire(run=run, limit=limit, event=event, at=at, again=again))


def go(state: ActiveRuns, *ended: str, run: str | None = None) -> tuple[ActiveRuns, Admission]:
    return release(state, Release(run=run or ended[0], ended=ended))


def after(*runs: str, limit: int = 1) -> ActiveRuns:
    state = ActiveRuns()
    for run in runs:
        state, _ = ask(state, run, limit=limit)
    return state


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(("enter", "leave")), st.sampled_from(NAMES)), max_size=60))
def test_whatever_happens_places_are_few_and_all_are_used(limit: int, steps: list[tuple[str, str]]) -> None:
    state = ActiveRuns()
    here: list[str] = []
    told: set[str] = set()
    for operation, run in steps:
        if operation == "enter":
            state, admission = ask(state, run, limit=limit)
            here += [] if run in here else [run]
            told |= {run} if admission.admitted else set()
        else:
            state, admission = go(state, run)
            here = [each for each in here if each != run]
            told.discard(run)
        told |= {wake.run for wake in admission.wakes if wake.event}

        assert list(state.active) == here[:limit], "by order of arrival"
        assert [each.run for each in state.waiting] == here[limit:]
        assert told == set(state.active), "who has a place is told so, and nobody else"


def test_who_leaves_is_told_whom_to_wake_by_the_event_it_waits_for_now() -> None:
    state, _ = ask(after("a", "b"), "b", event="second")

    state, admission = go(state, "a")

    assert admission == Admission(admitted=False, wakes=(Wake(run="b", event="second"),))
    assert state.active == ("b",)


def test_leaving_twice_frees_one_place() -> None:
    state = after("a", "b", "c")

    state, _ = go(state, "a")
    state, admission = go(state, "a")

    assert (state.active, admission.wakes) == (("b",), ())


def test_who_waits_looks_at_those_that_have_a_place_but_not_all_the_time() -> None:
    state = after("a", "b")
    soon = HOLDER_CHECK_INTERVAL.total_seconds()

    _, at_once = ask(state, "b", seconds=soon / 2)
    state, later = ask(state, "b", seconds=soon)
    _, another = ask(state, "c", seconds=soon)

    assert later.wakes == (Wake(run="a"),)
    assert (at_once.wakes, another.wakes) == ((), ())


def test_who_finds_a_run_over_learns_whether_it_is_next() -> None:
    state = after("a", "b", "c")

    assert go(state, "a", run="b")[1] == Admission(admitted=True)
    assert go(state, "a", run="c")[1] == Admission(admitted=False, wakes=(Wake(run="b", event="e"),))
    assert go(state, "a", "b", run="c")[1] == Admission(admitted=True)


def test_who_comes_back_from_people_is_before_those_that_never_had_a_place() -> None:
    state, _ = go(after("a", "b", "c"), "a")
    state, _ = ask(state, "d", again=True)

    state, _ = ask(state, "a", again=True)

    assert [each.run for each in state.waiting] == ["d", "a", "c"]


def test_the_limit_is_that_of_the_run_which_came_last() -> None:
    wider, admission = ask(after("a", "b", "c"), "d", limit=3)
    assert (wider.active, admission.admitted) == (("a", "b", "c"), False)
    assert [wake.run for wake in admission.wakes if wake.event] == ["b", "c"]

    asked_again, _ = ask(wider, "d", limit=1)
    assert asked_again.limit == 3, "to ask again changes nothing"

    narrower, _ = ask(wider, "e", limit=1)
    assert go(narrower, "a")[0].active == ("b", "c"), "who has a place keeps it"
