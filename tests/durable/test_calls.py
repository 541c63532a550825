"""A step is tried as often as its row says, with the pauses that it asks for."""

from datetime import timedelta
from typing import Any

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import Done, Failed, Later, Step
from murmuration.contracts.usage import Usage
from murmuration.durable.calls import call
from murmuration.durable.errors import StepFailed
from murmuration.durable.sdk import MAX_TIMER
from murmuration.durable.workflow import Flow
from simulation.scripted import Trace
from tests.durable.running import run


class Work(Contract):
    task: str
    step: int


WORK = Step("work", Work, Work, attempts=3, timeout_seconds=10)


def one_call(*outcomes: Any) -> Trace:
    """A workflow that makes one call, whose attempts end as `outcomes` say."""
    left = list(outcomes)

    async def workflow(flow: Flow) -> Any:
        try:
            result = await call(flow, WORK, Work(task="t", step=1))
        except StepFailed as failure:
            return [failure.code, failure.usage.model_calls]
        return [result.value.task, result.usage.model_calls]

    def activity(_: str, message: Any) -> tuple[float, Any]:
        outcome = left.pop(0)
        return 1, outcome if isinstance(outcome, Exception) else outcome.model_dump(mode="json")

    return run(workflow, activity=activity)


DONE = Done(value={"task": "t", "step": 1}, usage=Usage(model_calls=1))


def test_a_later_is_slept_for_as_long_as_it_asks() -> None:
    trace = one_call(Later(code="rate_limited", seconds=17, usage=Usage(model_calls=1)), DONE)

    assert trace.output == ["t", 2], "the usage of every attempt counts"
    assert [seconds for seconds, *_ in trace.started] == [0, 18]
    assert [message["attempt"] for _, _, message in trace.started] == [1, 2]


def test_without_a_wish_the_pauses_double() -> None:
    trace = one_call(Later(code="x"), RuntimeError("worker lost"), DONE)

    assert [seconds for seconds, *_ in trace.started] == [0, 2, 5]


def test_attempts_end_with_the_row() -> None:
    trace = one_call(*[Later(code="rate_limited", usage=Usage(model_calls=1))] * 3)

    assert trace.output == ["rate_limited", 3]
    assert len(trace.started) == 3


def test_a_final_failure_is_not_retried() -> None:
    trace = one_call(Failed(code="model_refused", message="no", usage=Usage(model_calls=1)))

    assert trace.output == ["model_refused", 1]
    assert len(trace.started) == 1


def test_a_long_sleep_is_made_of_timers_the_sdk_can_cancel() -> None:
    async def workflow(flow: Flow) -> Any:
        await flow.sleep(timedelta(days=10))

    trace = run(workflow)

    assert trace.seconds == timedelta(days=10).total_seconds()
    timers = [event for event in trace.history if event["EventType"] == 10]
    assert len(timers) == 4
    assert timedelta(days=10) / 4 < MAX_TIMER
