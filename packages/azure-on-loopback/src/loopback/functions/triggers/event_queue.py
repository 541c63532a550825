"""The queue of invocations: functions that a timer, a message, a blob or an event has started.

An invocation stays in the store until it has succeeded. A failed one is tried again; when it has failed for good it is
kept as poison, with what it raised. One that was running when the host died runs again.
"""

import asyncio
import json
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loopback.functions.apps import trigger_arguments
from loopback.functions.apps.call_function import RetryContext
from loopback.functions.apps.loading import LoadedApp, QueuedFunction
from loopback.functions.clock import Clock
from loopback.functions.engine.engine import MAX_SLEEP
from loopback.functions.engine.run_activities import DRAIN_SECONDS
from loopback.functions.fault_points import reach
from loopback.functions.protocol import parse_timestamp, timestamp
from loopback.functions.report import report
from loopback.functions.storage.database import Database
from loopback.functions.triggers.schedules import Schedule
from loopback.serving import CannotStart

MAX_RUNNING = 32


class EventQueue:
    """Keeps and runs invocations, and adds those of timers when they are due."""

    def __init__(self, database: Database, clock: Clock, app: LoadedApp, blobs: Path) -> None:
        """Read the schedules; raises `CannotStart` for a malformed one. `blobs` has a folder for each container."""
        self._db = database
        self._clock = clock
        self._functions = app.queued
        self._max_attempts = app.settings.max_attempts
        self._blobs = blobs
        self._schedules = {
            name: _schedule(function) for name, function in app.queued.items() if "schedule" in function.trigger
        }
        self._running: dict[int, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._clock.on_move(lambda: loop.call_soon_threadsafe(self._changed.set))
        now = self._clock.now()
        for name, schedule in self._schedules.items():
            trigger = self._functions[name].trigger
            last = self._last_look(name)
            missed = last is not None and trigger.get("useMonitor") is not False and schedule.missed(last, now)
            self._look(name, now, run=bool(missed or trigger.get("runOnStartup")), past_due=bool(missed))
        self._watching = loop.create_task(self._watch())

    async def stop(self) -> None:
        """Give what runs some time to end; the rest is tried again at the next start."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=DRAIN_SECONDS)
        for task in self._running.values():
            task.cancel()

    def enqueue(self, name: str, body: Mapping[str, Any]) -> None:
        """Commit an invocation of the function `name`, and run it as soon as possible."""
        with self._db.transaction("enqueue"):
            self._insert(name, body)
        self._changed.set()

    def poison(self) -> list[dict[str, Any]]:
        """Return the invocations that have failed for good, the latest first."""
        rows = self._db.execute(
            "SELECT function, body, tries, error, failed FROM poison ORDER BY number DESC LIMIT 1000"
        )
        return [
            {"functionName": name, "input": json.loads(body), "tries": tries, "error": error, "failedTime": failed}
            for name, body, tries, error, failed in rows
        ]

    def _insert(self, name: str, body: Mapping[str, Any]) -> None:
        now = timestamp(self._clock.now())
        row = (name, json.dumps({**body, "queued": now}), 0, now, now)
        self._db.execute("INSERT INTO invocations (function, body, tries, due, queued) VALUES (?,?,?,?,?)", row)

    def _last_look(self, name: str) -> datetime | None:
        last = self._db.value("SELECT last FROM schedules WHERE function=?", (name,))
        return parse_timestamp(last) if last else None

    def _look(self, name: str, now: datetime, *, run: bool, past_due: bool = False) -> None:
        """Record the time of this look at a schedule; if `run`, enqueue its function unless it is queued already."""
        last, following = self._last_look(name) or now, self._schedules[name].after(now)
        status = {"Last": timestamp(last), "Next": timestamp(following)}
        with self._db.transaction("schedule"):
            self._db.execute("INSERT OR REPLACE INTO schedules VALUES (?,?)", (name, timestamp(now)))
            if run and not self._db.value("SELECT 1 FROM invocations WHERE function=?", (name,)):
                self._insert(name, {"IsPastDue": past_due, "ScheduleStatus": status, "Schedule": {}})

    async def _watch(self) -> None:
        while not self._stopping:
            self._changed.clear()
            now = self._clock.now()
            for name, schedule in self._schedules.items():
                if schedule.after(self._last_look(name) or now) <= now:
                    self._look(name, now, run=True)
            self._start_due(now)
            sleep = min(max(self._next_due(now) - self._clock.now(), timedelta(milliseconds=1)), MAX_SLEEP)
            try:
                async with asyncio.timeout(sleep.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _start_due(self, now: datetime) -> None:
        query = "SELECT number, function, body, tries FROM invocations WHERE due<=? ORDER BY number"
        for number, name, body, tries in self._db.execute(query, (timestamp(now),)).fetchall():
            if len(self._running) >= MAX_RUNNING:
                return
            if number not in self._running:
                self._running[number] = asyncio.create_task(self._run(number, name, json.loads(body), tries + 1))

    def _next_due(self, now: datetime) -> datetime:
        times = [schedule.after(self._last_look(name) or now) for name, schedule in self._schedules.items()]
        due = self._db.value("SELECT min(due) FROM invocations WHERE due>?", (timestamp(now),))
        return min([*times, *([parse_timestamp(due)] if due else []), now + MAX_SLEEP])

    async def _run(self, number: int, name: str, body: dict[str, Any], attempt: int) -> None:
        function = self._functions.get(name)
        problem = None
        try:
            if function is None:
                raise LookupError(f"the app has no function {name!r} any more")
            max_attempts = self._max_attempts_of(function)
            await function.call(
                {
                    function.trigger["name"]: await self._argument(function, number, body, attempt),
                    "_retry": RetryContext(attempt - 1, -1 if max_attempts is None else max_attempts - 1),
                }
            )
        except Exception as error:  # noqa: BLE001 - a failure of the app is the invocation's failure
            report(f"[{name}] try {attempt} failed: {traceback.format_exc()}")
            problem = f"{type(error).__name__}: {error}"
        finally:
            self._running.pop(number, None)
        reach("invocation: ran")
        self._record(number, function, attempt, problem)
        self._changed.set()

    def _record(self, number: int, function: QueuedFunction | None, attempt: int, problem: str | None) -> None:
        """Delete an invocation, or let it be tried again, or keep it as poison."""
        now = self._clock.now()
        max_attempts = self._max_attempts_of(function) if function else 1
        with self._db.transaction("invocation"):
            if problem is not None and function is not None and (max_attempts is None or attempt < max_attempts):
                pause = function.retry.pause(attempt) if function.retry else timedelta(0)
                due = timestamp(now + pause)
                self._db.execute("UPDATE invocations SET tries=?, due=? WHERE number=?", (attempt, due, number))
                return
            if problem is not None:
                self._db.execute(
                    "INSERT INTO poison (function, body, tries, error, failed)"
                    " SELECT function, body, ?, ?, ? FROM invocations WHERE number=?",
                    (attempt, problem, timestamp(now), number),
                )
            self._db.execute("DELETE FROM invocations WHERE number=?", (number,))

    def _max_attempts_of(self, function: QueuedFunction) -> int | None:
        """Return the limit of attempts; None for no limit."""
        if function.retry is not None:
            return function.retry.max_attempts
        return 1 if function.trigger["type"] == "timerTrigger" else self._max_attempts

    async def _argument(self, function: QueuedFunction, number: int, body: dict[str, Any], attempt: int) -> Any:
        match function.trigger["type"]:
            case "timerTrigger":
                return trigger_arguments.timer(body)
            case "queueTrigger":
                return trigger_arguments.message(body, number, attempt)
            case "blobTrigger":
                return await trigger_arguments.blob(body, self._blobs)
            case _:
                return trigger_arguments.event(body["event"])


def _schedule(function: QueuedFunction) -> Schedule:
    try:
        return Schedule(str(function.trigger["schedule"]))
    except ValueError as error:
        raise CannotStart(f"function {function.name!r}: {error}") from error
