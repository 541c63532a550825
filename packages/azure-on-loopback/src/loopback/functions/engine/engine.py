"""Moves work: messages into episodes, decisions into activities and operations, results into messages.

An instance or entity is worked on by one episode or batch at a time.
"""

import asyncio
import json
import traceback
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from loopback.functions.apps.loading import LoadedApp
from loopback.functions.engine.debounce import Debounce
from loopback.functions.engine.episode import Consequences, Episode
from loopback.functions.engine.instances import Instances
from loopback.functions.engine.replay_episode import EpisodeReplayer, Replayed
from loopback.functions.engine.run_activities import ActivityRunner
from loopback.functions.fault_points import reach
from loopback.functions.protocol import MISSING_FUNCTION, Event
from loopback.functions.replay.replay_pool import ReplayPool
from loopback.functions.report import report
from loopback.functions.storage.store import ActivityTask
from loopback.functions.threads import DaemonThreads

MAX_SLEEP = timedelta(minutes=1)
"""The longest time without a look at the timers, since the system's clock may be set."""
ENTITY_THREADS = 4


class Engine:
    """Runs the instances and entities of an app; all its methods belong on one event loop."""

    def __init__(self, instances: Instances, app: LoadedApp) -> None:
        self.instances = instances
        self._entities = instances.entities
        self._store = instances.store
        self._clock = instances.clock
        self._app = app
        self._busy: set[str] = set()
        """The instances and entities that are worked on."""
        self._woken_while_busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._threads = DaemonThreads(ENTITY_THREADS, "entity")
        timeout = app.settings.function_timeout
        seconds = timeout.total_seconds() if timeout else None
        self._replayer = EpisodeReplayer(app, self._clock)
        self._replays = ReplayPool(
            self._next_episode, self._replayer.replay, self._finish_replays, seconds, self._replayer.time_out
        )
        self._debounce = Debounce(self._replays.add)
        self._activities = ActivityRunner(app, self._clock, self._record_activities)
        self._timers_changed = asyncio.Event()
        self._next_look = datetime.max.replace(tzinfo=UTC)
        """The time of the next look at the timers."""
        self._stopping = False

    def start(self) -> None:
        """Go on with the work that is in the store."""
        loop = asyncio.get_running_loop()
        self._clock.on_move(lambda: loop.call_soon_threadsafe(self._timers_changed.set))
        waiting = self._store.instances_with_messages()
        self.follow(Consequences(self._store.outstanding_activities(), waiting, self._entities.waiting()))
        self._spawn(self._watch_timers())

    async def stop(self) -> None:
        """Give what runs some time to end. The rest is in the store, and goes on at the next start."""
        self._stopping = True
        self._replays.stop()
        await self._activities.drain()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._activities.record_results()

    def follow(self, consequences: Consequences) -> None:
        """Do the work that follows from a change that has been committed."""
        for activity in consequences.activities:
            self._spawn(self._activities.run(activity))
        for target in (*consequences.instances, *consequences.entities):
            self.wake(target)
        for instance in consequences.ended:
            self._debounce.forget(instance)
            for waiter in self._waiters.pop(instance, ()):
                waiter.set_result(None)
        if consequences.first_timer is not None and consequences.first_timer < self._next_look:
            self._timers_changed.set()

    def wake(self, target: str) -> None:
        """Work on an instance that has messages, or on an entity (its id begins with @) that has operations."""
        if self._stopping:
            return
        if target in self._busy:
            self._woken_while_busy.add(target)
            return
        self._busy.add(target)
        if target.startswith("@"):
            self._spawn(self._run_entity(target))
        else:
            self._debounce.delay(target)

    def _release(self, target: str) -> None:
        """End the work on a target, or begin again if something has arrived in the meantime."""
        self._busy.discard(target)
        if target in self._woken_while_busy:
            self._woken_while_busy.discard(target)
            self.wake(target)

    async def wait_for_end(self, instance: str, seconds: float) -> None:
        """Return when the instance ends, or after this time."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(instance, set())
        waiters.add(ended)
        await asyncio.wait([ended], timeout=seconds)
        waiters.discard(ended)
        if not waiters:
            self._waiters.pop(instance, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error)

    async def _watch_timers(self) -> None:
        while not self._stopping:
            now = self._clock.now()
            for instance in self._store.due_instances(now):
                self.wake(instance)
            self._timers_changed.clear()
            self._next_look = min(self._store.next_due(now) or now + MAX_SLEEP, now + MAX_SLEEP)
            sleep = max(self._next_look - self._clock.now(), timedelta(milliseconds=1))
            try:
                async with asyncio.timeout(sleep.total_seconds()):
                    await self._timers_changed.wait()
            except TimeoutError:
                continue

    def _next_episode(self, instance: str) -> Episode | None:
        self._debounce.episode_begins(instance)
        episode = self.instances.next_episode(instance)
        if episode is not None and self._replayer.waits_for_its_version(episode):
            self.instances.forget(instance)
            episode = None
        if episode is None:
            self._release(instance)
        return episode

    def _finish_replays(self, replayed: Sequence[Replayed]) -> None:
        reach("episode: replayed")
        self.follow(self.instances.commit(result[:3] for result in replayed))
        for episode, _, decisions, seconds in replayed:
            if not decisions.ended:
                self._debounce.episode_ended(episode.row.id, seconds, decisions.open)
            self._release(episode.row.id)

    def _record_activities(self, results: Sequence[tuple[ActivityTask, Event]]) -> None:
        self.instances.record_activities(results)
        for instance, count in Counter(activity.instance for activity, _ in results).items():
            self.wake(instance)
            self._debounce.results_arrived(instance, count)

    async def _run_entity(self, entity: str) -> None:
        """Carry out all operations that have arrived for an entity."""
        batch = self._entities.next_batch(entity)
        if batch is None:
            self._release(entity)
            return
        function = self._app.entities.get(batch.entity.name)
        try:
            if function is None:
                raise LookupError(MISSING_FUNCTION.format(batch.entity.name, "an entity function"))
            loop = asyncio.get_running_loop()
            reply = json.loads(await loop.run_in_executor(self._threads, function, batch.request()))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a failure of the app is the operations' failure
            report(f"[{entity}] {traceback.format_exc()}")
            reply = batch.failed_reply(str(error))
        reach("entity: ran")
        self.follow(Consequences(instances=self._entities.commit(batch, reply)))
        self._release(entity)
