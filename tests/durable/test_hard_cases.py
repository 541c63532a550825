"""Cancellation, clean-up, failures and events in the places where an event loop is easily wrong."""

import asyncio
import contextvars
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from tests.durable.running import run, seconds


def test_a_timeout_of_zero_ends_at_once_and_schedules_nothing() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            async with asyncio.timeout(0):
                await flow.activity("wait", 5)
        except TimeoutError:
            return seconds(flow)

    trace = run(workflow)

    assert (trace.output, trace.started) == (0.0, [])


def test_a_sleep_of_zero_lets_others_run_first() -> None:
    async def workflow(flow: Flow) -> Any:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        order.append("main")
        await task
        return order

    assert run(workflow).output == ["other", "main"]


def test_a_loop_that_never_waits_fails_with_its_line() -> None:
    async def workflow(flow: Flow) -> Any:
        call = asyncio.ensure_future(flow.activity("wait", 1))
        while not call.done():  # noqa: ASYNC110 - what is refused
            await asyncio.sleep(0)

    error = str(run(workflow).error)

    assert error.startswith("workflow_spins: workflow")
    assert f"{__file__}:{workflow.__code__.co_firstlineno + 3}" in error


def test_a_sleep_for_ever_is_ended_by_a_timeout() -> None:
    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(asyncio.sleep(float("inf")))
        await flow.activity("wait", 1)
        task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(10 * 86_400):
                await asyncio.sleep(float("inf"))
        return seconds(flow)

    assert run(workflow).output == 1 + 10 * 86_400


def test_a_timer_is_replaced_by_an_earlier_one_and_comes_back() -> None:
    async def nap(flow: Flow, time: float) -> float:
        await asyncio.sleep(time)
        return seconds(flow)

    async def workflow(flow: Flow) -> Any:
        long = asyncio.create_task(nap(flow, 100))
        await flow.activity("wait", 1)
        short = asyncio.create_task(nap(flow, 5))
        await flow.activity("wait", 2)
        return [await short, await long]

    assert run(workflow).output == [6.0, 100.0]


def test_a_result_and_a_timeout_of_the_same_time_are_one_of_both() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            return await asyncio.wait_for(flow.activity("wait", 5), 5)
        except TimeoutError:
            return "timeout"

    assert run(workflow).output in (5, "timeout")


def test_an_event_and_a_timeout_of_the_same_time_lose_no_event() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            return await asyncio.wait_for(flow.event("name"), 5)
        except TimeoutError:
            return await flow.event("name")

    assert run(workflow, [(5, "name", "kept")]).output == "kept"


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning")
def test_an_event_given_to_a_wait_that_is_cancelled_before_it_runs_goes_to_the_next() -> None:
    async def workflow(flow: Flow) -> Any:
        async def waits() -> Any:
            return await flow.event("payload")

        async def cancels() -> None:
            await flow.event("stop")
            waiting.cancel()

        stopper = asyncio.create_task(cancels())
        waiting = asyncio.create_task(waits())
        await flow.activity("wait", 10)
        await stopper
        with suppress(asyncio.CancelledError):
            return ["first", await waiting]
        return ["second", await flow.event("payload")]

    async def early(flow: Flow) -> Any:
        await asyncio.sleep(10)
        return await workflow(flow)

    assert run(early, [(1, "payload", 7), (2, "stop", None)]).output[1] == 7


def test_waits_that_are_cancelled_out_of_order_keep_the_order_of_events() -> None:
    async def waits(flow: Flow) -> Any:
        return await flow.event("name")

    async def workflow(flow: Flow) -> Any:
        tasks = [asyncio.create_task(waits(flow)) for _ in range(4)]
        await asyncio.sleep(1)
        tasks[2].cancel()
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return [result for result in results if not isinstance(result, BaseException)]

    assert run(workflow, [(2, "name", "first"), (3, "name", "second")]).output == ["first", "second"]


def test_a_fan_out_that_a_timeout_ended_cancels_its_calls() -> None:
    async def workflow(flow: Flow) -> Any:
        calls = [flow.activity("wait", 1), flow.activity("wait", 50)]
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await flow.task_all(*calls)
        return [call.cancelled() for call in calls]

    assert run(workflow).output == [True, True]


def test_the_calls_of_a_fan_out_have_their_results_too() -> None:
    async def workflow(flow: Flow) -> Any:
        first, second = flow.activity("wait", 1), flow.activity("fail")
        await flow.task_all(first, second)
        with suppress(DurableTaskFailed):
            await second
        return await first

    assert run(workflow).output == 1


def test_cancelling_a_task_ends_its_fan_out() -> None:
    async def fans_out(flow: Flow) -> None:
        try:
            await flow.task_all(*(flow.activity("wait", 50) for _ in range(3)))
        finally:
            await flow.activity("wait", 1)

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(fans_out(flow))
        await flow.activity("wait", 2)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return seconds(flow)

    assert run(workflow).output == 3.0


def test_a_group_within_a_timeout_is_cancelled_and_cleaned_up() -> None:
    async def workflow(flow: Flow) -> Any:
        log: list[float] = []

        async def child(number: int) -> None:
            try:
                await flow.activity("wait", 50)
            finally:
                await flow.activity("wait", number)
                log.append(number)

        with suppress(TimeoutError):
            async with asyncio.timeout(2), asyncio.TaskGroup() as group:
                for number in (3, 1, 2):
                    group.create_task(child(number))
        return log, seconds(flow)

    assert run(workflow).output == [[1, 2, 3], 5.0]


def test_a_shield_of_a_call_outlives_the_timeout() -> None:
    async def workflow(flow: Flow) -> Any:
        call = flow.activity("wait", 4)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(call), 1)
        return await call, seconds(flow)

    assert run(workflow).output == [4, 4.0]


def test_a_failure_in_clean_up_keeps_the_first_failure_as_its_context() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            try:
                await flow.activity("fail")
            finally:
                raise ValueError("in the clean-up")
        except ValueError as error:
            return [str(error), type(error.__context__).__name__]

    assert run(workflow).output == ["in the clean-up", "DurableTaskFailed"]


def test_a_task_that_awaits_itself_is_refused() -> None:
    async def workflow(flow: Flow) -> Any:
        task = asyncio.current_task()
        assert task is not None
        await task

    assert "cannot await on itself" in str(run(workflow).error)


def test_gather_returns_exceptions_in_order() -> None:
    async def workflow(flow: Flow) -> Any:
        calls = (flow.activity("fail"), flow.activity("wait", 2), flow.activity("fail"))
        results = await asyncio.gather(*calls, return_exceptions=True)
        return [type(result).__name__ for result in results]

    assert run(workflow).output == ["DurableTaskFailed", "int", "DurableTaskFailed"]


def test_a_condition_wakes_its_waiters_in_order() -> None:
    async def workflow(flow: Flow) -> Any:
        condition = asyncio.Condition()
        ready: list[Any] = []

        async def waiter(number: int) -> int:
            async with condition:
                await condition.wait_for(lambda: len(ready) > 1)
                return number

        tasks = [asyncio.create_task(waiter(number)) for number in range(3)]
        for _ in range(2):
            ready.append(await flow.activity("wait", 1))
            async with condition:
                condition.notify_all()
        return [await task for task in asyncio.as_completed(tasks)]

    assert run(workflow).output == [0, 1, 2]


def test_a_barrier_holds_all_until_the_last() -> None:
    async def workflow(flow: Flow) -> Any:
        barrier = asyncio.Barrier(3)

        async def comes(time: float) -> float:
            await flow.activity("wait", time)
            await barrier.wait()
            return seconds(flow)

        return await asyncio.gather(comes(1), comes(3), comes(2))

    assert run(workflow).output == [3.0, 3.0, 3.0]


async def _numbers(flow: Flow, log: list[str]) -> AsyncGenerator[Any, None]:
    try:
        for number in (1, 2, 3):
            yield await flow.activity("wait", number)
    finally:
        log.append("closing")
        await flow.activity("wait", 1)
        log.append("closed")


def test_an_async_generator_is_iterated_and_cleans_up() -> None:
    async def workflow(flow: Flow) -> Any:
        log: list[str] = []
        return [number async for number in _numbers(flow, log)], log, seconds(flow)

    assert run(workflow).output == [[1, 2, 3], ["closing", "closed"], 7.0]


def test_an_async_generator_that_is_left_is_closed_at_the_end() -> None:
    log: list[str] = []

    async def workflow(flow: Flow) -> Any:
        log.clear()
        async for number in _numbers(flow, log):
            if number == 1:
                break
        await flow.activity("wait", 2)
        assert not log, "the garbage collector closes nothing in between"

    trace = run(workflow)

    assert trace.error is None
    assert log == ["closing", "closed"]
    assert [value for _, _, value in trace.started] == [1, 2, 1]


def test_context_variables_pass_through_groups_and_callbacks() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="none")

    async def child(flow: Flow) -> str:
        await flow.activity("wait", 1)
        return name.get()

    async def workflow(flow: Flow) -> Any:
        name.set("outer")
        own = contextvars.copy_context()
        own.run(name.set, "own")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child(flow)), group.create_task(child(flow), context=own)]
        return [task.result() for task in tasks]

    assert run(workflow).output == ["outer", "own"]


def test_the_failure_of_the_workflow_comes_before_that_of_a_task_left_running() -> None:
    async def left(flow: Flow) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise ValueError("in the clean-up")

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(left(flow))
        await flow.activity("wait", 1)
        raise KeyError("the cause", task.get_name())

    assert "the cause" in str(run(workflow).error)


def test_a_clean_up_that_fails_after_the_return_fails_the_run() -> None:
    async def left(flow: Flow) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise ValueError("in the clean-up")

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(left(flow))
        await flow.activity("wait", 1)
        return task.get_name()

    error = str(run(workflow).error)

    assert error.startswith("task_failed:")
    assert "in the clean-up" in error


@pytest.mark.parametrize("ends", ["cancels", "exits", "group"])
def test_an_end_that_is_no_exception_fails_the_run(ends: str) -> None:
    async def workflow(flow: Flow) -> Any:
        await flow.activity("wait", 1)
        if ends == "exits":
            sys.exit(3)
        if ends == "group":
            raise BaseExceptionGroup("several", [asyncio.CancelledError()])
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    error = str(run(workflow).error)

    assert error.startswith("workflow_ended: workflow ended with")
    assert f"{__file__}:" in error


def test_exit_in_a_task_fails_the_run() -> None:
    async def exits(flow: Flow) -> None:
        await flow.activity("wait", 1)
        sys.exit(3)

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(exits(flow))
        await flow.activity("wait", 5)
        await task

    assert str(run(workflow).error).startswith("workflow_ended: workflow ended with SystemExit")


def test_a_failed_call_that_nobody_awaits_fails_the_run() -> None:
    async def workflow(flow: Flow) -> Any:
        call = flow.activity("fail")
        await flow.activity("wait", 5)
        return call.done()

    assert str(run(workflow).error).startswith(
        "task_failed: a call of workflow failed at a call of Durable's and nobody awaited it"
    )


def test_a_failed_sub_orchestration_raises_a_typed_error() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            await flow.sub_orchestration("child")
        except DurableTaskFailed as failure:
            return str(failure)

    assert "the child broke" in run(workflow, activity=lambda *_: (1.0, RuntimeError("the child broke"))).output


@pytest.mark.parametrize("where", ["itself", "group", "task"])
def test_it_begins_anew_once_what_is_left_running_has_cleaned_up(where: str) -> None:
    async def left(flow: Flow) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await flow.activity("wait", 3)

    async def again(flow: Flow) -> None:
        await flow.activity("wait", 1)
        flow.continue_as_new("next")

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(left(flow))
        if where == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(again(flow))
                group.create_task(left(flow))
        await (asyncio.create_task(again(flow)) if where == "task" else again(flow))
        return task.get_name()

    trace = run(workflow)

    assert trace.error is None
    assert [value for _, _, value in trace.started] == ([1, 3, 3] if where == "group" else [1, 3])
    assert trace.seconds == (7.0 if where == "group" else 4.0)


def test_a_failure_beside_a_beginning_anew_is_not_lost() -> None:
    async def again(flow: Flow) -> None:
        flow.continue_as_new("next")

    async def fails() -> None:
        raise ValueError("the failure")

    async def workflow(flow: Flow) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(again(flow))
            group.create_task(fails())

    assert "1 sub-exception" in str(run(workflow).error)


def test_a_thousand_tasks_run_at_once() -> None:
    async def one(flow: Flow, number: int) -> int:
        await asyncio.sleep(number % 7)
        return number

    async def workflow(flow: Flow) -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(flow, number)) for number in range(1_000)]
        return sum(task.result() for task in tasks)

    trace = run(workflow)

    assert (trace.output, trace.seconds) == (499_500, 6.0)


def test_a_callback_before_waiting_may_use_the_loop() -> None:
    async def workflow(flow: Flow) -> Any:
        times: list[float] = []
        flow.on_wait(lambda: times.append(asyncio.get_running_loop().time()))
        await flow.activity("wait", 2)
        return times[0]

    assert run(workflow).output == 0.0
