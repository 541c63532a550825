"""Runs activities, at most `maxConcurrentActivityFunctions` at the same time.

They are delivered at least once: an activity that was running when the host died runs again.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence

from loopback.functions import protocol as wire
from loopback.functions.apps.loading import LoadedApp
from loopback.functions.clock import Clock
from loopback.functions.fault_points import reach
from loopback.functions.protocol import Event
from loopback.functions.report import report
from loopback.functions.storage.store import ActivityTask

DRAIN_SECONDS = 10.0

Record = Callable[[Sequence[tuple[ActivityTask, Event]]], None]
"""Takes activities with the events that say how they ended."""


class ActivityRunner:
    """Runs the app's activities, and records the results that come at the same moment together."""

    def __init__(self, app: LoadedApp, clock: Clock, record: Record) -> None:
        self._app = app
        self._clock = clock
        self._record = record
        self._slots = asyncio.Semaphore(app.settings.max_activities)
        self._running: set[asyncio.Future[Event]] = set()
        self._results: list[tuple[ActivityTask, Event]] = []
        self._stopping = False

    async def run(self, activity: ActivityTask) -> None:
        async with self._slots:
            if self._stopping:
                return
            running = asyncio.ensure_future(self._call(activity))
            self._running.add(running)
            try:
                event = await running
            finally:
                self._running.discard(running)
        reach("activity: ran")
        if not self._results:
            asyncio.get_running_loop().call_soon(self.record_results)
        self._results.append((activity, event))

    async def drain(self) -> None:
        """Begin no more, and give those that run some time to end."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)

    def record_results(self) -> None:
        results, self._results = self._results, []
        if results:
            self._record(results)

    async def _call(self, activity: ActivityTask) -> Event:
        """Call the app's function; return the event that says how it ended."""
        now = self._clock.now
        function = self._app.activities.get(activity.name)
        if function is None:
            reason = wire.MISSING_FUNCTION.format(activity.name, "an activity function")
            return wire.event(wire.TASK_FAILED, now(), TaskScheduledId=activity.task, Reason=reason, Details="")
        try:
            result = await function(activity.input or "null")
        except Exception as error:  # noqa: BLE001 - a failure of the app is the activity's failure
            report(f"[{activity.instance}] {activity.name} failed: {traceback.format_exc()}")
            reason = f"Activity function '{activity.name}' failed:  {type(error).__name__}: {error}"
            return wire.event(wire.TASK_FAILED, now(), TaskScheduledId=activity.task, Reason=reason, Details="")
        return wire.event(wire.TASK_COMPLETED, now(), TaskScheduledId=activity.task, Result=result)
