"""Invocations of functions that a timer, a message, a blob or an event starts.

Each is kept in the store until it has succeeded. One that fails is tried again, and kept as poison, with what it
raised, when it has failed for good. One that was under way when the host died runs again.
"""

import asyncio
import json
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loopback.functions.apps import arguments
from loopback.functions.apps.call_function import RetryContext
from loopback.functions.apps.loading import LoadedApp, QueuedFunction
from loopback.functions.clock import Clock
from loopback.functions.engine.engine import DRAIN_SECONDS, MAX_NAP_SECONDS, say
from loopback.functions.fault_points import reach
from loopback.functions.protocol import parse_timestamp, timestamp
from loopback.functions.storage.database import Database
from loopback.functions.triggers.schedules import Schedule
from loopback.serving import CannotStart

AT_ONCE = 32


class Invocations:
    def __init__(self, database: Database, clock: Clock, app: LoadedApp, blobs: Path) -> None:
        """`blobs` has a folder for each container. Raises `CannotStart` for a schedule that is none."""
        self._db = database
        self._clock = clock
        self._functions = app.queued
        self._tries = app.settings.tries
        self._blobs = blobs
        self._schedules = {name: _schedule(each) for name, each in app.queued.items() if "schedule" in each.trigger}
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
            last = self._last(name)
            missed = last is not None and trigger.get("useMonitor") is not False and schedule.missed(last, now)
            self._scheduled(name, now, run=bool(missed or trigger.get("runOnStartup")), past_due=bool(missed))
        self._watching = loop.create_task(self._watch())

    async def stop(self) -> None:
        """Let what runs end, for a while; the rest is tried again at the next start."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=DRAIN_SECONDS)
        for task in self._running.values():
            task.cancel()

    def enqueue(self, name: str, body: Mapping[str, Any]) -> None:
        """Run `name` as soon as may be; it is kept when this returns."""
        with self._db.transaction("enqueue"):
            self._insert(name, body)
        self._changed.set()

    def poison(self) -> list[dict[str, Any]]:
        """What has failed for good, the latest first."""
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

    def _last(self, name: str) -> datetime | None:
        last = self._db.value("SELECT last FROM schedules WHERE function=?", (name,))
        return parse_timestamp(last) if last else None

    def _scheduled(self, name: str, now: datetime, *, run: bool, past_due: bool = False) -> None:
        """Note that a schedule has been looked at, and run its function unless it still runs."""
        status = {"Last": timestamp(self._last(name) or now), "Next": timestamp(self._schedules[name].after(now))}
        with self._db.transaction("schedule"):
            self._db.execute("INSERT OR REPLACE INTO schedules VALUES (?,?)", (name, timestamp(now)))
            if run and not self._db.value("SELECT 1 FROM invocations WHERE function=?", (name,)):
                self._insert(name, {"IsPastDue": past_due, "ScheduleStatus": status, "Schedule": {}})

    async def _watch(self) -> None:
        while not self._stopping:
            self._changed.clear()
            now = self._clock.now()
            for name, schedule in self._schedules.items():
                if schedule.after(self._last(name) or now) <= now:
                    self._scheduled(name, now, run=True)
            self._begin(now)
            nap = min(max(self._next(now) - self._clock.now(), timedelta(milliseconds=1)), MAX_NAP_SECONDS)
            try:
                async with asyncio.timeout(nap.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _begin(self, now: datetime) -> None:
        query = "SELECT number, function, body, tries FROM invocations WHERE due<=? ORDER BY number"
        for number, name, body, tries in self._db.execute(query, (timestamp(now),)).fetchall():
            if len(self._running) >= AT_ONCE:
                return
            if number not in self._running:
                self._running[number] = asyncio.create_task(self._run(number, name, json.loads(body), tries + 1))

    def _next(self, now: datetime) -> datetime:
        times = [schedule.after(self._last(name) or now) for name, schedule in self._schedules.items()]
        due = self._db.value("SELECT min(due) FROM invocations WHERE due>?", (timestamp(now),))
        return min([*times, *([parse_timestamp(due)] if due else []), now + MAX_NAP_SECONDS])

    async def _run(self, number: int, name: str, body: dict[str, Any], tries: int) -> None:
        function = self._functions.get(name)
        problem = None
        try:
            if function is None:
                raise LookupError(f"the app has no function {name!r} any more")
            limit = self._limit(function)
            await function.call(
                {
                    function.trigger["name"]: await self._argument(function, number, body, tries),
                    "_retry": RetryContext(tries - 1, -1 if limit is None else limit - 1),
                }
            )
        except Exception as error:  # noqa: BLE001 - whatever the app raises is the invocation's failure
            say(f"[{name}] try {tries} failed: {traceback.format_exc()}")
            problem = f"{type(error).__name__}: {error}"
        finally:
            self._running.pop(number, None)
        reach("invocation: ran")
        self._record(number, function, tries, problem)
        self._changed.set()

    def _record(self, number: int, function: QueuedFunction | None, tries: int, problem: str | None) -> None:
        now = self._clock.now()
        limit = self._limit(function) if function else 1
        with self._db.transaction("invocation"):
            if problem is not None and function is not None and (limit is None or tries < limit):
                pause = function.retry.pause(tries) if function.retry else timedelta(0)
                due = timestamp(now + pause)
                self._db.execute("UPDATE invocations SET tries=?, due=? WHERE number=?", (tries, due, number))
                return
            if problem is not None:
                self._db.execute(
                    "INSERT INTO poison (function, body, tries, error, failed)"
                    " SELECT function, body, ?, ?, ? FROM invocations WHERE number=?",
                    (tries, problem, timestamp(now), number),
                )
            self._db.execute("DELETE FROM invocations WHERE number=?", (number,))

    def _limit(self, function: QueuedFunction) -> int | None:
        """How often it is tried; None: as long as it takes."""
        if function.retry is not None:
            return function.retry.tries
        return 1 if function.trigger["type"] == "timerTrigger" else self._tries

    async def _argument(self, function: QueuedFunction, number: int, body: dict[str, Any], tries: int) -> Any:
        match function.trigger["type"]:
            case "timerTrigger":
                return arguments.timer(body)
            case "queueTrigger":
                return arguments.message(body, number, tries)
            case "blobTrigger":
                return await arguments.blob(body, self._blobs)
            case _:
                return arguments.event(body["event"])


def _schedule(function: QueuedFunction) -> Schedule:
    try:
        return Schedule(str(function.trigger["schedule"]))
    except ValueError as error:
        raise CannotStart(f"function {function.name!r}: {error}") from error
