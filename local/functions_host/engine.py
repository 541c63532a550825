"""Moves work: messages into episodes, decisions into activities, results into messages.

An instance is worked on by one episode at a time. Activities are delivered at least once: one that was under way
when the host died runs again.
"""

import asyncio
import json
import sys
import traceback
import uuid
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from local.functions_host import protocol as wire
from local.functions_host.protocol import Event, Reply
from local.functions_host.replay import Decisions, NonDeterminism, UnknownAction, decide, slim
from local.functions_host.store import ActivityTask, Instance, Store

Orchestrator = Callable[[str], str]
ActivityFunction = Callable[[str], Coroutine[Any, Any, str | None]]
"""Input as JSON text -> result as JSON text."""

LONGEST_NAP = timedelta(minutes=1)
NOT_THERE = "The function '{}' doesn't exist, is disabled, or is not an activity function."


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Conflict(Exception):
    """An instance of this id is running."""


class Engine:
    def __init__(
        self,
        store: Store,
        orchestrators: Mapping[str, Orchestrator],
        activities: Mapping[str, ActivityFunction],
        *,
        clock: Clock,
        activities_at_once: int,
    ) -> None:
        self.store = store
        self._orchestrators = orchestrators
        self._activities = activities
        self._clock = clock
        self._places = asyncio.Semaphore(activities_at_once)
        self._histories: dict[str, list[Event]] = {}
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replays = ThreadPoolExecutor(max_workers=4, thread_name_prefix="replay")
        self._timer_moved = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        """Go on where the store stands."""
        for activity in self.store.outstanding():
            self._spawn(self._perform(activity))
        for instance in self.store.instances_with_messages():
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

    def begin(
        self,
        name: str,
        instance: str,
        given: str | None,
        *,
        version: str | None = None,
    ) -> None:
        """Start an instance; raises `Conflict` while one of this id is running."""
        present = self.store.instance(instance)
        if present is not None and not present.over:
            raise Conflict(instance)
        with self.store.transaction():
            self._create(name, instance, given, version=version)
        self.wake(instance)

    def _create(
        self,
        name: str,
        instance: str,
        given: str | None,
        *,
        version: str | None = None,
        parent: Instance | None = None,
        parent_task: int | None = None,
    ) -> None:
        now = self._clock.now()
        self.store.purge(instance)
        self._histories.pop(instance, None)
        row = Instance(
            id=instance,
            execution=uuid.uuid4().hex,
            name=name,
            version=version,
            input=given,
            output=None,
            custom_status=None,
            status="Pending",
            created=wire.timestamp(now),
            updated=wire.timestamp(now),
            parent=parent.id if parent else None,
            parent_execution=parent.execution if parent else None,
            parent_task=parent_task,
        )
        self.store.save(row)
        self.store.send(instance, self._execution_started(row, now), execution=row.execution)

    def _execution_started(self, row: Instance, now: datetime) -> Event:
        where = {"InstanceId": row.id, "ExecutionId": row.execution}
        parent = {"OrchestrationInstance": {"InstanceId": row.parent}} if row.parent else None
        return wire.event(
            wire.EXECUTION_STARTED,
            now,
            OrchestrationInstance=where,
            ParentInstance=parent,
            Name=row.name,
            Version=row.version or "",
            Input=row.input,
            Tags=None,
        )

    def raise_event(self, instance: str, name: str, given: str) -> None:
        now = self._clock.now()
        with self.store.transaction():
            self.store.send(instance, wire.event(wire.EVENT_RAISED, now, Name=name, Input=given))
        self.wake(instance)

    def terminate(self, instance: str, reason: str) -> None:
        row = self.store.instance(instance)
        if row is None or row.over:
            return
        with self.store.transaction():
            woken = self._close(row, "Terminated", json.dumps(reason))
        self._histories.pop(instance, None)
        for parent in woken:
            self.wake(parent)

    def purge(self, instance: str) -> None:
        with self.store.transaction():
            self.store.purge(instance)
        self._histories.pop(instance, None)

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
            for instance in self.store.due_instances(now):
                self.wake(instance)
            due = self.store.next_due()
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
        now = self._clock.now()
        row = self.store.instance(instance)
        messages = self.store.messages(instance, now)
        if row is None or row.over or not messages:
            with self.store.transaction():
                self.store.received(messages)
            return
        wanted = [each.body for each in messages if each.execution in (None, row.execution)]
        wanted.sort(key=lambda body: body["EventType"] != wire.EXECUTION_STARTED)
        history = self._histories.get(instance)
        if history is None:
            history = self.store.history(instance)
        if not wanted or (not history and wanted[0]["EventType"] != wire.EXECUTION_STARTED):
            with self.store.transaction():
                self.store.received(messages)
            return
        started = wire.event(wire.ORCHESTRATOR_STARTED, now)
        whole = [*history, started, *wanted]
        loop = asyncio.get_running_loop()
        try:
            reply, decisions = await loop.run_in_executor(self._replays, self._replay, row, whole, now)
        except (NonDeterminism, UnknownAction, wire.OrchestratorBroke) as problem:
            failed = f"Orchestrator function '{row.name}' failed: {problem}"
            print(f"[{instance}] {failed}", file=sys.stderr, flush=True)  # noqa: T201
            reply, decisions = Reply(True, (), None, str(problem), None), Decisions(ended=True)
        self._commit(row, messages, whole, len(history), reply, decisions)

    def _replay(self, row: Instance, whole: list[Event], now: datetime) -> tuple[Reply, Decisions]:
        handle = self._orchestrators.get(row.name)
        if handle is None:
            raise wire.OrchestratorBroke(f"The function '{row.name}' doesn't exist or is not an orchestrator")
        body = wire.request(slim(whole), instance=row.id, parent=row.parent, input_json=row.input)
        reply = wire.ask(handle, body)
        return reply, decide(whole, reply, now)

    def _commit(
        self, row: Instance, messages: Any, whole: list[Event], known: int, reply: Reply, decisions: Decisions
    ) -> None:
        """All that the episode has decided, in one transaction; then the work that follows from it."""
        now = self._clock.now()
        current = self.store.instance(row.id)
        if current is None or current.execution != row.execution or current.over:
            return  # terminated, purged or replaced in the meantime
        activities: list[ActivityTask] = []
        woken: list[str] = []
        if row.status == "Pending":
            row.status = "Running"
        row.updated = wire.timestamp(now)
        if reply.custom_status is not None:
            row.custom_status = json.dumps(reply.custom_status)
        whole += [*decisions.scheduled, wire.event(wire.ORCHESTRATOR_COMPLETED, now)]
        with self.store.transaction():
            self.store.received(messages)
            if decisions.ended and decisions.continue_as_new is not None:
                self._continue_as_new(row, decisions.continue_as_new)
                woken.append(row.id)
            else:
                for each in decisions.scheduled:
                    self._dispatch(row, each, decisions, activities, woken)
                for timer in decisions.cancelled_timers:
                    self.store.forget_timer(row.id, timer)
                if decisions.ended:
                    woken += self._end(row, whole, reply, now)
                else:
                    self.store.save(row)
                self.store.append(row.id, known, whole[known:])
        if decisions.ended:
            self._histories.pop(row.id, None)
        else:
            self._histories[row.id] = whole
        for activity in activities:
            self._spawn(self._perform(activity))
        for instance in woken:
            self.wake(instance)
        self._timer_moved.set()

    def _dispatch(
        self,
        row: Instance,
        decided: Event,
        decisions: Decisions,
        activities: list[ActivityTask],
        woken: list[str],
    ) -> None:
        number = decided["EventId"]
        match decided["EventType"]:
            case wire.TASK_SCHEDULED:
                given = decided["Input"]
                activities.append(self.store.schedule(row.id, row.execution, number, decided["Name"], given))
            case wire.TIMER_CREATED if number not in decisions.cancelled_timers:
                due = wire.parse_timestamp(decided["FireAt"])
                fired = wire.event(wire.TIMER_FIRED, due, TimerId=number, FireAt=decided["FireAt"])
                self.store.send(row.id, fired, execution=row.execution, due=due)
            case wire.SUB_CREATED:
                child = decided["InstanceId"] or f"{row.execution}:{number:04x}"
                decided["InstanceId"] = child
                self._create(decided["Name"], child, decided["Input"], parent=row, parent_task=number)
                woken.append(child)

    def _continue_as_new(self, row: Instance, given: str) -> None:
        now = self._clock.now()
        self.store.forget_history(row.id)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        row.execution = uuid.uuid4().hex
        row.input = given
        row.status = "Running"
        self.store.save(row)
        self.store.send(row.id, self._execution_started(row, now), execution=row.execution)

    def _end(self, row: Instance, whole: list[Event], reply: Reply, now: datetime) -> list[str]:
        if reply.error is None:
            status, output = "Completed", json.dumps(reply.output)
        else:
            status, output = "Failed", json.dumps(f"Orchestrator function '{row.name}' failed: {reply.error}")
        whole.append(wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus=status, Result=output))
        return self._close(row, status, output)

    def _close(self, row: Instance, status: str, output: str) -> list[str]:
        """Set the final state and tell the parent; returns who is to be woken."""
        now = self._clock.now()
        row.status, row.output, row.updated = status, output, wire.timestamp(now)
        self.store.save(row)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        if row.parent is None:
            return []
        if status == "Completed":
            told = wire.event(wire.SUB_COMPLETED, now, TaskScheduledId=row.parent_task, Result=output)
        else:
            reason = json.loads(output)
            told = wire.event(wire.SUB_FAILED, now, TaskScheduledId=row.parent_task, Reason=reason, Details="")
        self.store.send(row.parent, told, execution=row.parent_execution)
        return [row.parent]

    async def _perform(self, activity: ActivityTask) -> None:
        async with self._places:
            now = self._clock.now
            try:
                function = self._activities[activity.name]
            except KeyError:
                missing = NOT_THERE.format(activity.name)
                told = _failed(now(), activity, missing)
            else:
                try:
                    result = await function(activity.input or "null")
                    told = wire.event(wire.TASK_COMPLETED, now(), TaskScheduledId=activity.task, Result=result)
                except Exception as error:  # noqa: BLE001 - whatever the app raises is the activity's failure
                    trace = traceback.format_exc()
                    print(f"[{activity.instance}] {activity.name} failed: {trace}", file=sys.stderr, flush=True)  # noqa: T201
                    reason = f"Activity function '{activity.name}' failed:  {type(error).__name__}: {error}"
                    told = _failed(now(), activity, reason)
        with self.store.transaction():
            if self.store.finish(activity):
                self.store.send(activity.instance, told, execution=activity.execution)
        self.wake(activity.instance)


def _failed(now: datetime, activity: ActivityTask, reason: str) -> Event:
    return wire.event(wire.TASK_FAILED, now, TaskScheduledId=activity.task, Reason=reason, Details="")
