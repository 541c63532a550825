"""The budget of a run: reserved before a step, settled after it, by agent and in money."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmuration.contracts.goals import Budget, Goal, Options
from murmuration.contracts.owner import Owner
from murmuration.contracts.prices import Price, PriceTable
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import STEPS, Done, Failed
from murmuration.contracts.usage import Tokens, used
from orchestrators.goal.achieve_goal import achieve_goal
from simulation.scripted import simulate
from tests.orchestrators.world import World, achieve, states

PRICES = PriceTable(date="2026-11-21", models={"m": Price(input=2_000_000)})
MODEL_STEPS = {step.name for step in STEPS if step.tokens}


class Priced(World):
    """Every call of a model uses its estimate of tokens times `factor`."""

    def __init__(self, factor: float = 1) -> None:
        super().__init__()
        self._factor = factor
        self.calls: list[dict[str, Any]] = []

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        seconds, reply = super().__call__(name, message)
        self.calls.append({"name": name, "downgrade_model": message["downgrade_model"]})
        tokens = next(step.tokens for step in STEPS if step.name == name)
        took = used("m", Tokens(input=int(tokens * self._factor)), calls=int(tokens > 0))
        done = Done.model_validate({**reply, "usage": took})
        return seconds, done.model_dump(mode="json")


def spend(world: Priced, **options: Any) -> Any:
    goal = Goal(
        caller=Caller(tenant="t"),
        owner=Owner(tenant="t"),
        text="how hot?",
        prices=PRICES,
        options=Options(**options),
    )
    trace = simulate(achieve_goal, goal.model_dump(mode="json"), world)
    assert trace.error is None
    return trace.output


def test_the_outcome_says_what_the_run_cost_by_agent() -> None:
    outcome = spend(Priced())

    assert outcome["cost"]["prices_of"] == "2026-11-21"
    assert outcome["cost"]["micro_dollars"] == outcome["usage"]["input_tokens"] * 2
    assert sum(outcome["cost"]["by_agent"].values()) == outcome["cost"]["micro_dollars"]
    assert outcome["cost"]["by_agent"]["ask_agent"] == 2 * 2_500 * 2


def test_a_failed_step_is_charged_like_any_other() -> None:
    world = World()
    wasted = used("m", Tokens(input=1_000), calls=3)
    world.script["ask_agent"] = [Failed(code="model_refused", message="no", usage=wasted)]

    outcome, _ = achieve(world, replan_limit=0)

    assert states(outcome)["t2"] == "failed"
    calls = 12 - 2 + 3  # without the task's answer and its evaluation
    assert outcome.usage.model_calls == calls
    assert outcome.usage.input_tokens == 90 * (12 - 2) + 1_000


def test_a_failed_step_frees_its_reservation() -> None:
    world = World()
    world.script["ask_agent"] = [Failed(code="model_refused", message="no")]

    outcome, _ = achieve(world, replan_limit=0, budget=Budget(model_calls=10))

    assert (outcome.status, outcome.degraded) == ("completed", ())


def test_the_cost_without_prices_is_unknown_and_not_zero() -> None:
    outcome, _ = achieve(World())

    assert outcome.cost is None


def test_a_run_ends_at_its_limit_of_money() -> None:
    outcome = spend(Priced(), budget=Budget(usd=0.02))

    assert outcome["error"]["code"] == "budget_exceeded"
    assert "USD" in outcome["error"]["message"]
    assert outcome["cost"]["micro_dollars"] <= 20_000 + 2 * 2_500 * 5, "the limit, and a call of each running task"


@settings(max_examples=40, deadline=None)
@given(
    tokens=st.integers(1_000, 30_000),
    calls=st.integers(1, 14),
    concurrency=st.integers(1, 5),
    factor=st.sampled_from([0.2, 1.0, 2.0]),
)
def test_no_run_spends_more_than_its_budget_and_one_call_per_running_task(
    tokens: int, calls: int, concurrency: int, factor: float
) -> None:
    world = Priced(factor)

    outcome = spend(world, budget=Budget(tokens=tokens, model_calls=calls), concurrency=concurrency)

    largest = int(2_500 * factor)
    assert outcome["usage"]["input_tokens"] <= tokens + largest * concurrency
    assert outcome["usage"]["model_calls"] <= calls, "calls are reserved one by one"


def test_cheaper_models_are_used_near_the_limit_when_the_options_say_so() -> None:
    world = Priced()

    outcome = spend(world, budget=Budget(model_calls=8), on_budget="degrade")

    cheap = [call["downgrade_model"] for call in world.calls if call["name"] in MODEL_STEPS]
    assert cheap == sorted(cheap), "once the run saves, it goes on saving"
    assert cheap.count(True) >= 1
    assert "cheaper_models" in outcome["degraded"]


@pytest.mark.parametrize("on_budget", ["stop", "ask_person"])
def test_no_cheaper_model_is_used_otherwise(on_budget: str) -> None:
    world = Priced()

    spend(world, budget=Budget(model_calls=9), on_budget=on_budget)

    assert not any(call["downgrade_model"] for call in world.calls)
