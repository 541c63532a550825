"""Timer triggers: their schedules, their arguments, their retries."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopback.functions.clock import MovableClock
from loopback.functions.host import Options, make_app
from loopback.functions.testing import DurableHost
from loopback.functions.triggers.schedules import Schedule
from loopback.serving import in_thread, listen
from tests.functions.polling import eventually
from tests.functions.triggers_host import NEVER, TRIGGERS, Notes, settings

A_YEAR = timedelta(days=366)


@contextmanager
def host_at(
    folder: Path, ahead: timedelta = timedelta(0), *, tick: str = NEVER, slow: str = NEVER
) -> Iterator[tuple[DurableHost, Notes]]:
    """Start a host whose clock is `ahead` of the system's."""
    clock = MovableClock()
    clock.advance(ahead)
    if slow == NEVER:
        (folder / "notes.release").touch()
    with (
        settings(folder / "notes", tick=tick, slow=slow) as notes,
        in_thread(lambda: make_app(TRIGGERS, Options(folder / "data", clock=clock))) as url,
    ):
        yield DurableHost(url, clock), notes


def let_due_work_begin(host: DurableHost) -> None:
    """Return when everything that was due at the call has begun."""
    for _ in range(3):
        host.call("GET", "/admin/host/status")


def test_a_timer_runs_on_its_schedule(tmp_path: Path) -> None:
    with host_at(tmp_path, tick="* * * * * *") as (_, notes):
        runs = notes.wait("ticking", 2)

    assert [run["past_due"] for run in runs] == [False] * len(runs)
    times = [datetime.fromisoformat(run["status"]["Next"]) for run in runs]
    assert times == sorted(set(times))
    assert {time.microsecond for time in times} == {0}


def test_a_timer_may_have_a_time_span_for_a_schedule(tmp_path: Path) -> None:
    with host_at(tmp_path, tick="01:00:00") as (host, notes):
        host.advance(timedelta(minutes=59))
        let_due_work_begin(host)
        assert notes.of("ticking") == []
        host.advance(timedelta(minutes=2))
        notes.wait("ticking")


def test_a_timer_runs_when_time_is_moved_on(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, notes):
        assert notes.of("yearly") == []
        for number in (1, 2):
            host.advance(A_YEAR)
            assert len(notes.wait("yearly", number)) == number


def test_a_function_may_run_at_each_start(tmp_path: Path) -> None:
    for number in (1, 2):
        with host_at(tmp_path) as (_, notes):
            assert len(notes.wait("at_start", number)) == number
    assert notes.of("yearly") == []


def test_missed_runs_are_made_up_for_once(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, _):
        let_due_work_begin(host)
    with host_at(tmp_path, 3 * A_YEAR) as (host, notes):
        [run] = notes.wait("yearly")
        let_due_work_begin(host)
        assert len(notes.of("yearly")) == 1
        assert notes.of("unwatched") == [], "it has no monitor"

    assert run["past_due"] is True
    last, following = (datetime.fromisoformat(run["status"][name]) for name in ("Last", "Next"))
    assert abs(last - datetime.now(UTC)) < timedelta(minutes=1)
    assert last + 2 * A_YEAR < following


def test_a_run_is_not_overlapped_by_the_next(tmp_path: Path) -> None:
    with host_at(tmp_path, slow="0 * * * * *") as (host, notes):
        host.advance(timedelta(minutes=1))
        notes.wait("slow", at="begin")
        for _ in range(3):
            host.advance(timedelta(minutes=1))
            let_due_work_begin(host)
        assert len(notes.of("slow", at="begin")) == 1
        (tmp_path / "notes.release").touch()
        notes.wait("slow", at="end")
        let_due_work_begin(host)
        host.advance(timedelta(minutes=1))
        notes.wait("slow", 2, at="end")


def test_without_a_retry_policy_a_timer_is_tried_once(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, notes):
        assert host.call("POST", "/admin/functions/fails_once", {"input": ""}).status == 202
        eventually(lambda: host.call("GET", "/admin/host/poison").json, notes.all)
        [poison] = host.call("GET", "/admin/host/poison").json

    assert len(notes.of("fails_once")) == 1
    assert (poison["functionName"], poison["tries"]) == ("fails_once", 1)
    assert poison["error"] == "RuntimeError: no retry policy"


def test_a_fixed_delay_is_waited_between_tries(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, notes):
        host.call("POST", "/admin/functions/fails_thrice", {"input": ""})
        for number in (1, 2, 3):
            assert len(notes.wait("fails_thrice", number)) == number
            let_due_work_begin(host)
            host.advance(timedelta(seconds=9))
            let_due_work_begin(host)
            assert len(notes.of("fails_thrice")) == number, "not before the delay is over"
            host.advance(timedelta(seconds=2))
        eventually(lambda: host.call("GET", "/admin/host/poison").json, notes.all)
        [poison] = host.call("GET", "/admin/host/poison").json

    assert [(note["retry"], note["of"]) for note in notes.of("fails_thrice")] == [(0, 2), (1, 2), (2, 2)]
    assert (poison["tries"], poison["error"]) == (3, "RuntimeError: try 2")


def test_an_exponential_delay_grows_and_goes_on_without_end(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, notes):
        host.call("POST", "/admin/functions/fails_long", {"input": ""})
        notes.wait("fails_long")
        for number, delay in enumerate((10, 20, 40, 60), start=1):
            assert len(notes.wait("fails_long", number)) == number
            let_due_work_begin(host)
            host.advance(timedelta(seconds=delay - 2))
            let_due_work_begin(host)
            assert len(notes.of("fails_long")) == number, f"not before {delay} seconds"
            host.advance(timedelta(seconds=3))
        assert len(notes.wait("fails_long", 5)) == 5
        let_due_work_begin(host)
        assert host.call("GET", "/admin/host/poison").json == []


def test_a_retry_that_waits_outlives_the_host(tmp_path: Path) -> None:
    with host_at(tmp_path) as (host, notes):
        host.call("POST", "/admin/functions/fails_thrice", {"input": ""})
        notes.wait("fails_thrice")
        let_due_work_begin(host)
    with host_at(tmp_path, timedelta(minutes=1)) as (_, notes):
        assert [note["retry"] for note in notes.wait("fails_thrice", 2)] == [0, 1]


@pytest.mark.parametrize(
    ("schedule", "time", "following"),
    [
        ("0 */5 * * * *", "2026-03-10T10:02:03", "2026-03-10T10:05:00"),
        ("0 0 * * * *", "2026-03-10T10:00:00", "2026-03-10T11:00:00"),
        ("0 0 9-17 * * *", "2026-03-10T17:00:01", "2026-03-11T09:00:00"),
        ("0 30 9 * * 1-5", "2026-03-13T09:30:00", "2026-03-16T09:30:00"),
        ("0 30 9 * Jan Mon", "2026-03-13T09:30:00", "2027-01-04T09:30:00"),
        ("0 0 0 * * 0", "2026-03-10T00:00:00", "2026-03-15T00:00:00"),
        ("5,8,10 * * * * *", "2026-03-10T10:00:05", "2026-03-10T10:00:08"),
        ("0 0 0 13 * 5", "2026-03-14T00:00:00", "2026-11-13T00:00:00"),
        ("0 0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("*/5 * * * *", "2026-03-10T10:02:03", "2026-03-10T10:05:00"),
        ("24:00:00", "2026-03-10T10:00:00", "2026-04-03T10:00:00"),
        ("1.00:00:00", "2026-03-10T10:00:00", "2026-03-11T10:00:00"),
    ],
)
def test_a_schedule_is_read_as_ncrontab(schedule: str, time: str, following: str) -> None:
    after = Schedule(schedule).after(datetime.fromisoformat(time).replace(tzinfo=UTC))

    assert after == datetime.fromisoformat(following).replace(tzinfo=UTC)


async def test_a_host_stops_even_when_its_clock_has_just_moved(tmp_path: Path) -> None:
    for turns in range(4):
        clock = MovableClock()
        with settings(tmp_path / "notes"):
            web_app = await make_app(TRIGGERS, Options(tmp_path / f"data{turns}", clock=clock))
            runner, _ = await listen(web_app, 0)
        for _turn in range(9):
            await asyncio.sleep(0)
        clock.advance(timedelta(0))
        for _turn in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await runner.cleanup()
