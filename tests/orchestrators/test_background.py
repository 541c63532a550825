"""Work that a provider does in the background: looked at with growing pauses, kept over accidents, and cancelled."""

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
        self.deaf = 0
        """How often it can't be told to cancel."""

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        if name == CANCEL_BACKGROUND.name:
            self.cancelled.append(message["value"]["token"])
            if self.deaf:
                self.deaf -= 1
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


def test_what_is_under_way_is_looked_at_with_growing_pauses_that_are_no_attempts() -> None:
    world = Provider(*[pending()] * 8)

    outcome, trace = achieve(world, plan(LIST))

    assert states(outcome) == {"list": "done"}
    assert world.tokens == [None, *["r1"] * 8]
    assert set(world.attempts) == {1}
    looks = started(trace)
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1] <= 60) == (2, True)


def test_an_accident_on_the_way_does_not_begin_it_anew() -> None:
    world = Provider(pending(), ValueError("the worker was lost"), pending())

    outcome, _ = achieve(world, plan(LIST))

    assert states(outcome) == {"list": "done"}
    assert world.tokens == [None, "r1", "r1", "r1"]
    assert world.cancelled == []


def test_what_takes_too_long_is_cancelled_and_the_task_fails() -> None:
    world = Provider(*[pending()] * 1_000)

    outcome, trace = achieve(world, plan(LIST), replan_limit=0)

    assert states(outcome) == {"list": "failed"}
    assert world.cancelled == ["r1"]
    assert trace.seconds < MAX_PENDING.total_seconds() + timedelta(minutes=5).total_seconds()


def test_when_attempts_are_used_up_it_is_cancelled() -> None:
    world = Provider(pending(), *[Later(code="rate_limited", token="r1", seconds=1)] * ASK_AGENT.attempts)  # noqa: S106

    outcome, _ = achieve(world, plan(LIST), replan_limit=0)

    assert states(outcome) == {"list": "failed"}
    assert world.cancelled == ["r1"]


def test_a_task_that_runs_out_of_time_cancels_what_is_under_way_for_it() -> None:
    world = Provider(*[pending()] * 1_000)

    outcome, trace = achieve(world, plan({**LIST, "timeout_seconds": 100}), replan_limit=0)

    assert outcome.tasks[0].reason == "task_timeout: not done after 100 s"
    assert world.cancelled == ["r1"]
    assert trace.seconds < 110, "no timer is left open"


@pytest.mark.parametrize("limits", [{}, {"timeout_seconds": 1_000}])
def test_a_run_that_ends_cancels_what_is_under_way_for_its_tasks(limits: dict[str, int]) -> None:
    world = Provider(*[pending()] * 6, Later(code="rate_limited"), *[pending()] * 1_000)
    slow = {**LIST, "id": "slow", **limits}
    bad = {**LIST, "id": "bad", "instruction": "bad", "timeout_seconds": 20, "on_failure": "fail_run"}

    outcome, trace = achieve(world, plan(slow, bad))

    assert outcome.error is not None
    assert outcome.error.code == "task_failed"
    assert world.cancelled == ["r1", "r1"]
    assert trace.seconds < 30, "no timer is left open"


@pytest.mark.parametrize("deaf", [1, 100])
def test_who_can_not_be_told_to_cancel_is_told_again_within_the_rows_attempts(deaf: int) -> None:
    world = Provider(*[pending()] * 1_000)
    world.deaf = deaf

    outcome, _ = achieve(world, plan({**LIST, "timeout_seconds": 100}), replan_limit=0)

    assert outcome.tasks[0].reason == "task_timeout: not done after 100 s"
    assert world.cancelled == ["r1"] * min(deaf + 1, CANCEL_BACKGROUND.attempts)
