"""Slots never exceed the limit, go to runs in their order of arrival, and no waiting run is forgotten."""

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


def free(state: ActiveRuns, *ended: str, run: str | None = None) -> tuple[ActiveRuns, Admission]:
    return release(state, Release(run=run or ended[0], ended=ended))


def after(*runs: str, limit: int = 1) -> ActiveRuns:
    """The state after these runs have asked for a slot."""
    state = ActiveRuns()
    for run in runs:
        state, _ = ask(state, run, limit=limit)
    return state


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(("acquire", "release")), st.sampled_from(NAMES)), max_size=60),
)
def test_whatever_happens_the_first_to_arrive_hold_all_slots(limit: int, operations: list[tuple[str, str]]) -> None:
    state = ActiveRuns()
    arrived: list[str] = []
    informed: set[str] = set()
    for operation, run in operations:
        if operation == "acquire":
            state, admission = ask(state, run, limit=limit)
            arrived += [] if run in arrived else [run]
            informed |= {run} if admission.admitted else set()
        else:
            state, admission = free(state, run)
            arrived = [other for other in arrived if other != run]
            informed.discard(run)
        informed |= {wake.run for wake in admission.wakes if wake.event}

        assert list(state.active) == arrived[:limit], "by order of arrival"
        assert [queued.run for queued in state.waiting] == arrived[limit:]
        assert informed == set(state.active), "every run with a slot learns of it, and no other"


def test_a_freed_slot_wakes_the_next_run_by_the_event_it_waits_for_now() -> None:
    state, _ = ask(after("a", "b"), "b", event="second")

    state, admission = free(state, "a")

    assert admission == Admission(admitted=False, wakes=(Wake(run="b", event="second"),))
    assert state.active == ("b",)


def test_releasing_twice_frees_one_slot() -> None:
    state = after("a", "b", "c")

    state, _ = free(state, "a")
    state, admission = free(state, "a")

    assert (state.active, admission.wakes) == (("b",), ())


def test_a_waiting_run_checks_the_holders_but_not_all_the_time() -> None:
    state = after("a", "b")
    interval = HOLDER_CHECK_INTERVAL.total_seconds()

    _, soon = ask(state, "b", seconds=interval / 2)
    state, later = ask(state, "b", seconds=interval)
    _, another = ask(state, "c", seconds=interval)

    assert later.wakes == (Wake(run="a"),)
    assert (soon.wakes, another.wakes) == ((), ())


def test_a_run_with_a_slot_checks_nobody() -> None:
    _, admission = ask(after("a", limit=2), "b", limit=2, seconds=60)

    assert admission == Admission(admitted=True)


def test_a_run_that_reports_an_ended_one_learns_whether_it_is_next() -> None:
    state = after("a", "b", "c")

    assert free(state, "a", run="b")[1] == Admission(admitted=True)
    assert free(state, "a", run="c")[1] == Admission(admitted=False, wakes=(Wake(run="b", event="e"),))
    assert free(state, "a", "b", run="c")[1] == Admission(admitted=True)


def test_a_run_that_returns_from_people_comes_before_those_that_never_had_a_slot() -> None:
    state, _ = free(after("a", "b", "c"), "a")
    state, _ = ask(state, "d", again=True)

    state, _ = ask(state, "a", again=True)

    assert [queued.run for queued in state.waiting] == ["d", "a", "c"]


def test_a_new_run_sets_the_limit() -> None:
    wider, admission = ask(after("a", "b", "c"), "d", limit=3)
    assert (wider.active, admission.admitted) == (("a", "b", "c"), False)
    assert [wake.run for wake in admission.wakes if wake.event] == ["b", "c"]

    repeated, _ = ask(wider, "d", limit=1)
    assert repeated.limit == 3, "a repeated request changes nothing"

    narrower, _ = ask(wider, "e", limit=1)
    assert free(narrower, "a")[0].active == ("b", "c"), "a run keeps the slot it has"
