"""Moves work: messages into episodes, decisions into activities, results into messages.

An instance is worked on by one episode at a time. Activities are delivered at least once: one that was under way
when the host died runs again.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from local.functions_host import protocol as wire
from local.functions_host.instances import Episode, Instances
from local.functions_host.protocol import Event, Reply
from local.functions_host.replay import Decisions, NonDeterminism, UnknownAction, decide, slim
from local.functions_host.store import ActivityTask

Orchestrator = Callable[[str], str]
ActivityFunction = Callable[[str], Coroutine[Any, Any, str | None]]
"""Input as JSON text -> result as JSON text."""

LONGEST_NAP = timedelta(minutes=1)
NOT_THERE = "The function '{}' doesn't exist, is disabled, or is not an activity function."


class Engine:
    def __init__(
        self,
        instances: Instances,
        orchestrators: Mapping[str, Orchestrator],
        activities: Mapping[str, ActivityFunction],
        *,
        activities_at_once: int,
    ) -> None:
        self.instances = instances
        self._store = instances.store
        self._clock = instances.clock
        self._orchestrators = orchestrators
        self._activities = activities
        self._places = asyncio.Semaphore(activities_at_once)
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replays = ThreadPoolExecutor(max_workers=4, thread_name_prefix="replay")
        self._timer_moved = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        """Go on where the store stands."""
        for activity in self._store.outstanding():
            self._spawn(self._perform(activity))
        for instance in self._store.instances_with_messages():
            self.wake(instance)
        self._spawn(self._watch_timers())

    async def stop(self) -> None:
        """Let go: what is under way is in the store and goes on at the next start."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._replays.shutdown(wait=True)

    def wake(self, instance: str) -> None:
        """There are messages for `instance`."""
        if self._stopping:
            return
        if instance in self._busy:
            self._again.add(instance)
            return
        self._busy.add(instance)
        self._spawn(self._work_on(instance))

    def terminate(self, instance: str, reason: str) -> None:
        for parent in self.instances.terminate(instance, reason):
            self.wake(parent)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error)

    async def _watch_timers(self) -> None:
        while True:
            now = self._clock.now()
            for instance in self._store.due_instances(now):
                self.wake(instance)
            due = self._store.next_due()
            nap = LONGEST_NAP if due is None else max(due - self._clock.now(), timedelta(milliseconds=1))
            self._timer_moved.clear()
            try:
                await asyncio.wait_for(self._timer_moved.wait(), min(nap, LONGEST_NAP).total_seconds())
            except TimeoutError:
                continue

    async def _work_on(self, instance: str) -> None:
        try:
            while True:
                self._again.discard(instance)
                await self._episode(instance)
                if instance not in self._again:
                    return
        finally:
            self._busy.discard(instance)

    async def _episode(self, instance: str) -> None:
        episode = self.instances.due(instance)
        if episode is None:
            return
        loop = asyncio.get_running_loop()
        try:
            reply, decisions = await loop.run_in_executor(self._replays, self._replay, episode)
        except (NonDeterminism, UnknownAction, wire.OrchestratorBroke) as problem:
            name = episode.row.name
            print(f"[{instance}] Orchestrator function '{name}' failed: {problem}", file=sys.stderr, flush=True)  # noqa: T201
            reply, decisions = Reply(True, (), None, str(problem), None), Decisions(ended=True)
        then = self.instances.commit(episode, reply, decisions)
        for activity in then.activities:
            self._spawn(self._perform(activity))
        for woken in then.woken:
            self.wake(woken)
        self._timer_moved.set()

    def _replay(self, episode: Episode) -> tuple[Reply, Decisions]:
        row = episode.row
        handle = self._orchestrators.get(row.name)
        if handle is None:
            raise wire.OrchestratorBroke(f"The function '{row.name}' doesn't exist or is not an orchestrator")
        body = wire.request(slim(episode.history), instance=row.id, parent=row.parent, input_json=row.input)
        reply = wire.ask(handle, body)
        return reply, decide(episode.history, reply, self._clock.now())

    async def _perform(self, activity: ActivityTask) -> None:
        async with self._places:
            told = await self._told_by(activity)
        self.instances.activity_ended(activity, told)
        self.wake(activity.instance)

    async def _told_by(self, activity: ActivityTask) -> Event:
        """Run the app's function; the event that says how it ended."""
        now = self._clock.now
        function = self._activities.get(activity.name)
        if function is None:
            return _failed(now(), activity, NOT_THERE.format(activity.name))
        try:
            result = await function(activity.input or "null")
        except Exception as error:  # noqa: BLE001 - whatever the app raises is the activity's failure
            trace = traceback.format_exc()
            print(f"[{activity.instance}] {activity.name} failed: {trace}", file=sys.stderr, flush=True)  # noqa: T201
            reason = f"Activity function '{activity.name}' failed:  {type(error).__name__}: {error}"
            return _failed(now(), activity, reason)
        return wire.event(wire.TASK_COMPLETED, now(), TaskScheduledId=activity.task, Result=result)


def _failed(now: datetime, activity: ActivityTask, reason: str) -> Event:
    return wire.event(wire.TASK_FAILED, now, TaskScheduledId=activity.task, Reason=reason, Details="")
