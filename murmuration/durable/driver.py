"""Runs a coroutine as a Durable orchestrator: the generator that the SDK drives, around a deterministic event loop."""

import traceback
from collections.abc import Awaitable, Callable, Generator
from types import CoroutineType, FrameType
from typing import Any, cast

from murmuration.durable import sdk
from murmuration.durable.context import Context, now
from murmuration.durable.errors import ContinueAsNew, Spinning, WorkflowError
from murmuration.durable.loop import DurableLoop, DurableTask
from murmuration.durable.sdk import Leaf
from murmuration.durable.waits import Waits
from murmuration.durable.workflow import Flow

MAX_PLACES = 5
"""Waiting tasks that a message names."""


def orchestrate(context: Context, name: str, function: Callable[[Flow], Awaitable[Any]]) -> Generator[Leaf, Any, Any]:
    """Drive `function(flow)` to its end and return its result; raises what it raises, or `WorkflowError`."""
    began = now(context)
    loop = DurableLoop(lambda: (now(context) - began).total_seconds())
    waits = Waits(context, loop)
    flow = Flow(context, loop, waits)

    async def main() -> Any:
        try:
            return await function(flow)
        except (ContinueAsNew, BaseExceptionGroup) as failure:
            return _beginning_anew(failure)

    try:
        task: DurableTask = loop.create_task(main(), name=name)
        yield from _until_done(context, name, loop, waits, flow, task)
        result = task.result()
        if isinstance(result, ContinueAsNew):  # not before: the SDK schedules nothing after it
            context.continue_as_new(result.value)
            return None
        return result
    except (Exception, GeneratorExit, KeyboardInterrupt):  # GeneratorExit: the SDK has dropped the episode
        raise
    except BaseException as end:  # it would end the worker
        where = f"{name} ended with {type(end).__name__} at {_raised_at(end)}"
        raise WorkflowError("workflow_ended", f"{where}: raise an Exception instead") from end
    finally:
        loop.suspend()


def _beginning_anew(failure: BaseException) -> ContinueAsNew:
    """The request to begin anew, which a task group wraps; raises a failure that came with it, or instead of it."""
    if isinstance(failure, BaseExceptionGroup):
        requests, others = failure.split(ContinueAsNew)
        if others is not None or requests is None:
            raise others or failure
        return _beginning_anew(requests.exceptions[0])
    return cast("ContinueAsNew", failure)


def _until_done(
    context: Context, name: str, loop: DurableLoop, waits: Waits, flow: Flow, main: DurableTask
) -> Generator[Leaf, Any, None]:
    scheduled: set[Leaf] = set()
    ending = False
    while True:
        _run(name, loop, flow)
        if main.done():
            if not ending:  # as `asyncio.run` does: what is left is cancelled, and its clean-up waited for
                ending = True
                for task in loop.open_tasks():
                    task.cancel()
                continue
            if not loop.open_tasks():
                if loop.close_generators():
                    continue
                break
        leaves, all_wanted = waits.next()
        if not leaves:
            if _has_failed(main):
                break
            raise WorkflowError("workflow_stuck", f"{name} waits for what can never come: {_places(loop)}")
        new = [leaf for leaf in leaves if leaf not in scheduled]
        scheduled.update(new)
        try:
            yield _wait_for(context, leaves, new, all_wanted=all_wanted)
        except Exception as failure:  # noqa: BLE001 - of the leaf alone; its future says so
            failure.__traceback__ = None  # it holds the episode in a cycle, which only the garbage collector would end
        waits.resolve()
    waits.close()
    if not _has_failed(main):
        _check_failures(name, loop, waits, main)


def _run(name: str, loop: DurableLoop, flow: Flow) -> None:
    with loop.running:
        try:
            loop.run_until_idle()
        except Spinning:
            message = f"{name} runs on without waiting for anything durable: {_places(loop)}"
            raise WorkflowError("workflow_spins", message) from None
        if loop.failure is not None:
            raise loop.failure
        flow.before_waiting()


def _has_failed(main: DurableTask) -> bool:
    return main.done() and (main.cancelled() or main.exception() is not None)


def _wait_for(context: Context, leaves: list[Leaf], new: list[Leaf], *, all_wanted: bool) -> Leaf:
    if len(leaves) == 1:
        return leaves[0]
    if all_wanted:
        return sdk.all_of(context, leaves)
    return sdk.any_of(context, [*leaves, sdk.nudge(context)] if 0 < len(new) < len(leaves) else leaves)


def _places(loop: DurableLoop) -> str:
    tasks = loop.open_tasks()
    more = len(tasks) - MAX_PLACES
    return "; ".join(map(_place, tasks[:MAX_PLACES])) + (f"; and {more} more" if more > 0 else "")


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


def _check_failures(name: str, loop: DurableLoop, waits: Waits, main: DurableTask) -> None:
    """Raise `WorkflowError` for a task or call whose failure nobody took: it must not vanish with the run."""
    titles = {task: task.get_name() for task in loop.tasks if task is not main} | dict.fromkeys(waits.failed, "a call")
    for future, title in titles.items():
        unseen = not future.cancelled() and future._log_traceback  # asyncio's own mark of a failure that nobody took
        if unseen and (failure := future.exception()) is not None:
            raise WorkflowError(
                "task_failed",
                f"{title} of {name} failed at {_raised_at(failure)} and nobody awaited it: "
                f"{type(failure).__name__}: {failure}",
            ) from failure


def _raised_at(failure: BaseException) -> str:
    """The innermost line of code that is not asyncio's."""
    frames = traceback.extract_tb(failure.__traceback__)
    own = [frame for frame in frames if "asyncio" not in frame.filename] or frames
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "a call of Durable's"
