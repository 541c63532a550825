"""Moves work: messages into episodes, decisions into activities and operations, results into messages.

An instance or entity is worked on by one episode or batch at a time. Activities are delivered at least once: one
that was under way when the host died runs again.
"""

import asyncio
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.apps.call_function import TimedOut
from loopback.functions.apps.loading import LoadedApp
from loopback.functions.engine.debounce import Debounce
from loopback.functions.engine.episodes import Consequences, Episode
from loopback.functions.engine.instances import Instances
from loopback.functions.engine.versions import takes_on
from loopback.functions.fault_points import reach
from loopback.functions.protocol import Event, Reply
from loopback.functions.replay.decisions import Decisions, NonDeterminism, UnknownAction, decide
from loopback.functions.replay.replay_pool import Replays
from loopback.functions.storage.store import ActivityTask
from loopback.functions.threads import DaemonThreads

MAX_NAP_SECONDS = timedelta(minutes=1)
DRAIN_SECONDS = 10.0
ENTITY_THREADS = 4
MAX_CUSTOM_STATUS_BYTES = 16 * 1024
NOT_THERE = "The function '{}' doesn't exist, is disabled, or is not {}."


class Engine:
    def __init__(self, instances: Instances, app: LoadedApp) -> None:
        self.instances = instances
        self._entities = instances.entities
        self._store = instances.store
        self._clock = instances.clock
        self._app = app
        self._places = asyncio.Semaphore(app.settings.activities_at_once)
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Future[Event]] = set()
        self._ended: list[tuple[ActivityTask, Event]] = []
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._threads = DaemonThreads(ENTITY_THREADS, "entity")
        timeout = app.settings.function_timeout
        seconds = timeout.total_seconds() if timeout else None
        self._replays = Replays(self._due, self._replay, self._replayed, seconds, self._too_long)
        self._rests = Debounce(self._replays.add)
        self._timer_moved = asyncio.Event()
        self._next_look = datetime.max.replace(tzinfo=UTC)
        """When the timers are looked at next."""
        self._stopping = False

    def start(self) -> None:
        """Go on where the store stands."""
        loop = asyncio.get_running_loop()
        self._clock.on_move(lambda: loop.call_soon_threadsafe(self._timer_moved.set))
        waiting = self._store.instances_with_messages()
        self.follow(Consequences(self._store.outstanding(), waiting, self._entities.waiting()))
        self._spawn(self._watch_timers())

    async def stop(self) -> None:
        """Drain: what runs may end, for a while; the rest is in the store and goes on at the next start."""
        self._stopping = True
        self._replays.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._record_ended()

    def follow(self, then: Consequences) -> None:
        """Do the work that follows from a change that has been committed."""
        for activity in then.activities:
            self._spawn(self._perform(activity))
        for instance in then.instances:
            self.wake(instance)
        for entity in then.entities:
            self.wake(entity)
        for instance in then.over:
            self._rests.forget(instance)
            for waiter in self._waiters.pop(instance, ()):
                waiter.set_result(None)
        if then.due is not None and then.due < self._next_look:
            self._timer_moved.set()

    def wake(self, target: str) -> None:
        """There are messages for an instance, or operations for an entity (its id begins with @)."""
        if self._stopping:
            return
        if target in self._busy:
            self._again.add(target)
            return
        self._busy.add(target)
        if target.startswith("@"):
            self._spawn(self._batch(target))
        else:
            self._rests.begin(target)

    def _free(self, target: str) -> None:
        """Nothing is done for it any more, unless something has arrived in the meantime."""
        self._busy.discard(target)
        if target in self._again:
            self._again.discard(target)
            self.wake(target)

    async def until_over(self, instance: str, seconds: float) -> None:
        """Return when the instance ends, or after some seconds."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(instance, set())
        waiters.add(over)
        await asyncio.wait([over], timeout=seconds)
        waiters.discard(over)
        if not waiters:
            self._waiters.pop(instance, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error)

    async def _watch_timers(self) -> None:
        while not self._stopping:
            now = self._clock.now()
            for instance in self._store.due_instances(now):
                self.wake(instance)
            self._timer_moved.clear()
            self._next_look = min(self._store.next_due(now) or now + MAX_NAP_SECONDS, now + MAX_NAP_SECONDS)
            nap = max(self._next_look - self._clock.now(), timedelta(milliseconds=1))
            try:
                async with asyncio.timeout(nap.total_seconds()):
                    await self._timer_moved.wait()
            except TimeoutError:
                continue

    def _due(self, instance: str) -> Episode | None:
        self._rests.episode_begins(instance)
        episode = self.instances.due(instance)
        if episode is not None and self._waits_for_its_version(episode):
            self.instances.forget(instance)
            episode = None
        if episode is None:
            self._free(instance)
            return None
        return episode

    def _replayed(self, results: Sequence[tuple[Episode, Reply, Decisions, float]]) -> None:
        reach("episode: replayed")
        self.follow(self.instances.commit(result[:3] for result in results))
        for episode, _, decisions, seconds in results:
            if not decisions.ended:
                self._rests.episode_ended(episode.row.id, seconds, decisions.open)
            self._free(episode.row.id)

    def _waits_for_its_version(self, episode: Episode) -> bool:
        row, settings = episode.row, self._app.settings
        waits = settings.version_failure == "Reject" and not takes_on(settings, row.version)
        if waits and row.status == "Pending":
            say(f"[{row.id}] waits: it is of version {row.version!r}, this app of {settings.default_version!r}")
        return waits

    def _replay(self, episode: Episode) -> tuple[Episode, Reply, Decisions, float]:
        """In a thread; with the seconds of computing that it took."""
        row, began = episode.row, time.thread_time()
        try:
            if not takes_on(self._app.settings, row.version):
                own = self._app.settings.default_version
                raise wire.OrchestratorBroke(f"The run is of version {row.version!r}, the app of version {own!r}")
            handle = self._app.orchestrators.get(row.name)
            if handle is None:
                raise wire.OrchestratorBroke(NOT_THERE.format(row.name, "an orchestrator function"))
            reply = wire.ask(handle, episode.request)
            _check_custom_status(reply.custom_status)
            decisions = decide(episode.history, reply, self._clock.now(), row.id)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever is wrong with one run, the others go on
            known = isinstance(problem, NonDeterminism | UnknownAction | wire.OrchestratorBroke)
            say(f"[{row.id}] Orchestrator function '{row.name}' failed: {problem if known else traceback.format_exc()}")
            reply, decisions = wire.broken(problem), Decisions(ended=True)
        return episode, reply, decisions, time.thread_time() - began

    def _too_long(self, episode: Episode) -> tuple[Episode, Reply, Decisions, float]:
        row = episode.row
        problem = TimedOut(f"Timeout value of {self._app.settings.function_timeout} exceeded by function: {row.name}")
        say(f"[{row.id}] {problem}")
        return episode, wire.broken(problem), Decisions(ended=True), 0.0

    async def _batch(self, entity: str) -> None:
        """All operations that have arrived for an entity."""
        batch = self._entities.due(entity)
        if batch is None:
            self._free(entity)
            return
        function = self._app.entities.get(batch.entity.name)
        try:
            if function is None:
                raise LookupError(NOT_THERE.format(batch.entity.name, "an entity function"))
            loop = asyncio.get_running_loop()
            reply = json.loads(await loop.run_in_executor(self._threads, function, batch.request()))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the app raises is the operations' failure
            say(f"[{entity}] {traceback.format_exc()}")
            reply = batch.failed(str(error))
        reach("entity: ran")
        self.follow(Consequences(instances=self._entities.commit(batch, reply)))
        self._free(entity)

    async def _perform(self, activity: ActivityTask) -> None:
        async with self._places:
            if self._stopping:
                return
            running = asyncio.ensure_future(self._told_by(activity))
            self._running.add(running)
            try:
                told = await running
            finally:
                self._running.discard(running)
        reach("activity: ran")
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._record_ended)
        self._ended.append((activity, told))

    def _record_ended(self) -> None:
        """Of all activities that have ended at this moment, in one transaction."""
        ended, self._ended = self._ended, []
        if ended:
            self.instances.activities_ended(ended)
            for instance, results in Counter(activity.instance for activity, _ in ended).items():
                self.wake(instance)
                self._rests.arrived(instance, results)

    async def _told_by(self, activity: ActivityTask) -> Event:
        """Run the app's function; the event that says how it ended."""
        now = self._clock.now
        function = self._app.activities.get(activity.name)
        if function is None:
            reason = NOT_THERE.format(activity.name, "an activity function")
            return wire.event(wire.TASK_FAILED, now(), TaskScheduledId=activity.task, Reason=reason, Details="")
        try:
            result = await function(activity.input or "null")
        except Exception as error:  # noqa: BLE001 - whatever the app raises is the activity's failure
            say(f"[{activity.instance}] {activity.name} failed: {traceback.format_exc()}")
            reason = f"Activity function '{activity.name}' failed:  {type(error).__name__}: {error}"
            return wire.event(wire.TASK_FAILED, now(), TaskScheduledId=activity.task, Reason=reason, Details="")
        return wire.event(wire.TASK_COMPLETED, now(), TaskScheduledId=activity.task, Result=result)


def _check_custom_status(status: Any) -> None:
    size = len(json.dumps(status, ensure_ascii=False).encode("utf-16-le")) if status is not None else 0
    if size > MAX_CUSTOM_STATUS_BYTES:
        raise wire.OrchestratorBroke(
            f"The UTF-16 size of the custom status must not exceed {MAX_CUSTOM_STATUS_BYTES} bytes; it is {size}"
        )


def say(text: str) -> None:
    """To the person who runs the host."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
