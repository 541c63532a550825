"""Runs a coroutine as a Durable orchestrator: the generator that the SDK drives, around a deterministic event loop."""

import traceback
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from types import CoroutineType, FrameType
from typing import Any

from murmuration.durable import sdk
from murmuration.durable.context import Context, now
from murmuration.durable.errors import ContinueAsNew, WorkflowError
from murmuration.durable.loop import DurableLoop, DurableTask
from murmuration.durable.sdk import Leaf
from murmuration.durable.waits import Waits
from murmuration.durable.workflow import Flow


def orchestrate(context: Context, name: str, function: Callable[[Flow], Awaitable[Any]]) -> Generator[Leaf, Any, Any]:
    """Drive `function(flow)` to its end and return its result; raises what it raises, or `WorkflowError`."""
    began = now(context)
    loop = DurableLoop(lambda: (now(context) - began).total_seconds())
    waits = Waits(context, loop)
    flow = Flow(context, loop, waits)

    async def main() -> Any:
        try:
            return await function(flow)
        except ContinueAsNew:
            return None

    try:
        task: DurableTask = loop.create_task(main(), name=name)
        yield from _until_done(context, name, loop, waits, flow, task)
        return task.result()
    except GeneratorExit:  # the SDK has dropped the episode
        loop.suspend()
        raise
    finally:
        loop.suspend()


def _until_done(
    context: Context, name: str, loop: DurableLoop, waits: Waits, flow: Flow, main: DurableTask
) -> Generator[Leaf, Any, None]:
    scheduled: set[Leaf] = set()
    ending = False
    while True:
        loop.run_until_idle()
        flow.before_waiting()
        if loop.failure is not None:
            raise loop.failure
        if main.done():
            open_tasks = [task for task in loop.tasks if not task.done()]
            if not open_tasks:
                break
            if not ending:  # as `asyncio.run` does: what is left is cancelled, and its clean-up waited for
                ending = True
                for task in open_tasks:
                    task.cancel()
                continue
        leaves, all_wanted = waits.next()
        if not leaves:
            raise _stuck(name, loop)
        new = [leaf for leaf in leaves if leaf not in scheduled]
        scheduled.update(new)
        with suppress(Exception):  # the failure of the leaf alone; its future says so
            yield _wait_for(context, leaves, new, all_wanted=all_wanted)
        waits.resolve()
    waits.close()
    _check_failures(name, loop, main)


def _wait_for(context: Context, leaves: list[Leaf], new: list[Leaf], *, all_wanted: bool) -> Leaf:
    if len(leaves) == 1:
        return leaves[0]
    if all_wanted:
        return sdk.all_of(context, leaves)
    return sdk.any_of(context, [*leaves, sdk.nudge(context)] if 0 < len(new) < len(leaves) else leaves)


def _stuck(name: str, loop: DurableLoop) -> WorkflowError:
    places = "; ".join(_place(task) for task in loop.tasks if not task.done())
    return WorkflowError("workflow_stuck", f"{name} waits for what can never come: {places}")


def _place(task: DurableTask) -> str:
    """The innermost line of the task's own code at which it waits."""
    frame: FrameType | None = None
    awaited: Any = task.get_coro()
    while isinstance(awaited, CoroutineType) and awaited.cr_frame is not None:
        if frame is None or "asyncio" not in awaited.cr_frame.f_code.co_filename:
            frame = awaited.cr_frame
        awaited = awaited.cr_await
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "not started"
    return f"{task.get_name()} at {where}"


def _check_failures(name: str, loop: DurableLoop, main: DurableTask) -> None:
    """Raise `WorkflowError` for a task whose failure nobody took: it must not vanish with the run."""
    for task in loop.tasks:
        if task is main or task.cancelled():
            continue
        unseen = task._log_traceback  # asyncio's own mark of a failure that nobody took
        if unseen and (failure := task.exception()) is not None:
            place = traceback.extract_tb(failure.__traceback__)[-1]
            raise WorkflowError(
                "task_failed",
                f"{task.get_name()} of {name} failed at {place.filename}:{place.lineno} and nobody awaited it: "
                f"{type(failure).__name__}: {failure}",
            ) from failure
