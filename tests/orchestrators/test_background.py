"""Background work of a provider: polled with growing pauses, resumed after accidents, and cancelled."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from murmuration.contracts.steps import ASK_AGENT, CANCEL_BACKGROUND, PENDING, Later
from murmuration.durable.calls import MAX_PENDING
from tests.orchestrators.test_graph import LIST, plan
from tests.orchestrators.world import World, achieve, states


class Provider(World):
    """Works on what `ask_agent` asks for, in the background."""

    def __init__(self, *answers: Later | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.tokens: list[str | None] = []
        self.attempts: list[int] = []
        self.at: list[float] = []
        self.cancelled: list[str] = []
        self.refused_cancels = 0
        """How many calls to cancel fail before one succeeds."""

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        if name == CANCEL_BACKGROUND.name:
            self.cancelled.append(message["value"]["token"])
            if self.refused_cancels:
                self.refused_cancels -= 1
                return 0, Later(code="rate_limited", seconds=3).model_dump(mode="json")
            return 0, {"outcome": "done", "value": {"cancelled": True}}
        if name == ASK_AGENT.name:
            self.tokens.append(message["token"])
            self.attempts.append(message["attempt"])
            if self.answers:
                answer = self.answers.pop(0)
                return 0, answer if isinstance(answer, Exception) else answer.model_dump(mode="json")
        return super().__call__(name, message)


def pending() -> Later:
    return Later(code=PENDING, token="r1")  # noqa: S106 - it leads to work, and opens nothing


def started(trace: Any) -> list[float]:
    return [at for at, name, _ in trace.started if name == ASK_AGENT.name]


def test_background_work_is_polled_with_growing_pauses_that_are_no_attempts() -> None:
    world = Provider(*[pending()] * 8)

    outcome, trace = achieve(world, plan(LIST))

    assert states(outcome) == {"list": "done"}
    assert world.tokens == [None, *["r1"] * 8]
    assert set(world.attempts) == {1}
    polls = started(trace)
    pauses = [later - earlier for earlier, later in pairwise(polls)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1] <= 60) == (2, True)


def test_a_lost_worker_does_not_begin_the_work_anew() -> None:
    world = Provider(pending(), ValueError("the worker was lost"), pending())

    outcome, _ = achieve(world, plan(LIST))

    assert states(outcome) == {"list": "done"}
    assert world.tokens == [None, "r1", "r1", "r1"]
    assert world.cancelled == []


def test_work_that_takes_too_long_is_cancelled_and_the_task_fails() -> None:
    world = Provider(*[pending()] * 1_000)

    outcome, trace = achieve(world, plan(LIST), replan_limit=0)

    assert states(outcome) == {"list": "failed"}
    assert world.cancelled == ["r1"]
    assert trace.seconds < MAX_PENDING.total_seconds() + timedelta(minutes=5).total_seconds()


def test_work_is_cancelled_when_the_attempts_are_used_up() -> None:
    world = Provider(pending(), *[Later(code="rate_limited", token="r1", seconds=1)] * ASK_AGENT.attempts)  # noqa: S106

    outcome, _ = achieve(world, plan(LIST), replan_limit=0)

    assert states(outcome) == {"list": "failed"}
    assert world.cancelled == ["r1"]


def test_a_task_that_runs_out_of_time_cancels_its_work() -> None:
    world = Provider(*[pending()] * 1_000)

    outcome, trace = achieve(world, plan({**LIST, "timeout_seconds": 100}), replan_limit=0)

    assert outcome.tasks[0].reason == "task_timeout: not done after 100 s"
    assert world.cancelled == ["r1"]
    assert trace.seconds < 110, "no timer is left open"


@pytest.mark.parametrize("limits", [{}, {"timeout_seconds": 1_000}])
def test_a_run_that_ends_cancels_the_work_of_its_tasks(limits: dict[str, int]) -> None:
    world = Provider(*[pending()] * 6, Later(code="rate_limited"), *[pending()] * 1_000)
    slow = {**LIST, "id": "slow", **limits}
    bad = {**LIST, "id": "bad", "instruction": "bad", "timeout_seconds": 20, "on_failure": "fail_run"}

    outcome, trace = achieve(world, plan(slow, bad))

    assert outcome.error is not None
    assert outcome.error.code == "task_failed"
    assert world.cancelled == ["r1", "r1"]
    assert trace.seconds < 30, "no timer is left open"


@pytest.mark.parametrize("refused", [1, 100])
def test_a_cancel_that_fails_is_tried_again_within_the_attempts_of_its_row(refused: int) -> None:
    world = Provider(*[pending()] * 1_000)
    world.refused_cancels = refused

    outcome, _ = achieve(world, plan({**LIST, "timeout_seconds": 100}), replan_limit=0)

    assert outcome.tasks[0].reason == "task_timeout: not done after 100 s"
    assert world.cancelled == ["r1"] * min(refused + 1, CANCEL_BACKGROUND.attempts)
