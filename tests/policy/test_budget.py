"""A run stops at its limits, counts what is under way, and never spends the same rest twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.goals import Budget
from murmuration.contracts.prices import Cost, Price, PriceTable
from murmuration.contracts.usage import Tokens, Usage, used
from murmuration.policy.budget import BudgetTracker

BUDGET = Budget(tokens=1_000, model_calls=3, seconds=60)
PRICES = PriceTable(date="2026-11-21", models={"m": Price(input=1_000_000, output=10_000_000), "free": Price()})


@pytest.mark.parametrize(
    ("used", "seconds", "limit"),
    [
        (Usage(input_tokens=600, output_tokens=300, embedding_tokens=99), 59.0, None),
        (Usage(input_tokens=600, output_tokens=300, embedding_tokens=100), 0.0, "1000 of 1000 tokens"),
        (Usage(model_calls=2), 0.0, None),
        (Usage(model_calls=3), 0.0, "3 of 3 model calls"),
        (Usage(), 60.0, "60 of 60 seconds"),
    ],
)
def test_the_limit_that_is_reached_is_named(used: Usage, seconds: float, limit: str | None) -> None:
    budget = BudgetTracker(BUDGET, None)
    budget.settle(0, used, "executor")

    reason = budget.reached(seconds)

    assert (reason is None) if limit is None else limit in (reason or "")


def test_a_reservation_counts_until_it_is_settled() -> None:
    budget = BudgetTracker(BUDGET, None)
    for _ in range(2):
        budget.reserve(300)
    assert budget.reached(0) is None

    budget.reserve(300)
    assert budget.reached(0) == "0 of 3 model calls are used, about 900 tokens in 3 calls under way"
    budget.settle(300, Usage(model_calls=1, input_tokens=100), "executor")
    budget.settle(300, Usage(), "executor")

    assert budget.reached(0) is None
    assert budget.usage.tokens == 100


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), max_size=60), st.integers(1, 6))
def test_a_limit_is_exceeded_by_no_more_than_running_steps_use_beyond_their_estimates(
    steps: list[tuple[int, int]], at_once: int
) -> None:
    budget = BudgetTracker(Budget(tokens=2_000, model_calls=1_000), None)
    running: list[tuple[int, int]] = []
    beyond = 0
    for estimate, actual in steps:
        while len(running) >= at_once or (running and budget.reached(0)):
            reserved, used = running.pop(0)
            beyond = max(beyond, used - reserved)
            budget.settle(reserved, Usage(input_tokens=used), "executor")
        if budget.reached(0) is None:
            budget.reserve(estimate)
            running.append((estimate, actual))
    for reserved, used in running:
        beyond = max(beyond, used - reserved)
        budget.settle(reserved, Usage(input_tokens=used), "executor")

    assert budget.usage.tokens <= 2_000 + 500 + at_once * max(0, beyond)


def test_money_is_counted_by_the_frozen_prices_and_by_agent() -> None:
    budget = BudgetTracker(Budget(usd=0.003), PRICES)
    budget.settle(0, used("m", Tokens(input=1_000), calls=1), "executor")
    budget.settle(0, used("free", Tokens(input=99_000), calls=1), "planner")

    assert budget.cost == Cost(micro_dollars=1_000, by_agent={"executor": 1_000, "planner": 0}, prices_of="2026-11-21")
    assert budget.reached(0) is None
    budget.reserve(1_500)
    assert budget.reached(0) is None
    budget.reserve(500)
    assert "0.0010 of 0.003 USD are spent, about 2000 tokens" in (budget.reached(0) or "")


def test_a_model_without_a_price_stops_only_a_run_with_a_money_limit() -> None:
    for limits, stops in ((Budget(usd=1), True), (Budget(), False)):
        budget = BudgetTracker(limits, PRICES)
        budget.settle(0, used("stranger", Tokens(input=1), calls=1), "executor")

        assert budget.cost is None
        assert ("stranger" in (budget.reached(0) or "")) == stops


def test_an_extension_allows_the_budget_once_more() -> None:
    budget = BudgetTracker(BUDGET, None)
    budget.settle(0, Usage(model_calls=3), "executor")
    assert budget.nearly_spent
    budget.extend()

    assert budget.reached(100) is None
    assert not budget.nearly_spent
    assert "120 of 120 seconds" in (budget.reached(120) or "")


@pytest.mark.parametrize(
    ("used_so_far", "nearly"),
    [
        (Usage(input_tokens=799), False),
        (Usage(input_tokens=800), True),
        (Usage(model_calls=2), False),
        (Usage(model_calls=3), True),
    ],
)
def test_a_budget_is_nearly_spent_from_four_fifths_of_any_limit_on(used_so_far: Usage, nearly: bool) -> None:
    budget = BudgetTracker(BUDGET, None)
    budget.settle(0, used_so_far, "executor")

    assert budget.nearly_spent is nearly


@pytest.mark.parametrize(("tokens", "nearly"), [(799, False), (800, True)])
def test_money_is_nearly_spent_from_four_fifths_of_its_limit_on(tokens: int, nearly: bool) -> None:
    budget = BudgetTracker(Budget(usd=0.001), PRICES)
    budget.settle(0, used("m", Tokens(input=tokens), calls=1), "executor")

    assert budget.nearly_spent is nearly
    budget.extend()
    assert not budget.nearly_spent


def test_without_a_price_money_is_never_nearly_spent() -> None:
    budget = BudgetTracker(Budget(usd=0.001), PRICES)
    budget.settle(0, used("stranger", Tokens(input=10_000), calls=1), "executor")

    assert not budget.nearly_spent


def test_a_failed_step_is_charged_like_any_other() -> None:
    budget = BudgetTracker(BUDGET, PRICES)
    budget.reserve(100)

    budget.settle(100, used("m", Tokens(input=700), calls=2), "executor")

    assert (budget.tokens, budget.model_calls, budget.usage.model_calls) == (700, 2, 2)
    assert budget.cost is not None
    assert budget.cost.by_agent == {"executor": 700}


def test_a_reservation_without_tokens_is_no_call() -> None:
    budget = BudgetTracker(Budget(tokens=1_000, model_calls=1), None)
    budget.reserve(0)

    assert budget.reached(0) is None
    budget.settle(0, Usage(), "retriever")
    assert budget.reached(0) is None


def test_a_money_limit_counts_only_with_prices() -> None:
    budget = BudgetTracker(Budget(usd=0.000001), None)
    budget.settle(0, used("m", Tokens(input=10_000), calls=1), "executor")

    assert budget.reached(0) is None
    assert budget.cost is None


def test_every_step_is_charged_and_only_the_running_ones_stay_reserved() -> None:
    budget = BudgetTracker(Budget(tokens=1_000, model_calls=10), None)
    for tokens in (100, 200, 400):
        budget.reserve(tokens)
    budget.settle(100, Usage(model_calls=1, input_tokens=250), "executor")
    budget.settle(200, Usage(model_calls=2, input_tokens=350), "executor")

    assert (budget.tokens, budget.model_calls) == (600, 3)
    assert budget.reached(0) == "600 of 1000 tokens are used, about 400 tokens in 1 calls under way"
    budget.settle(400, Usage(input_tokens=400), "executor")
    assert budget.reached(0) == "1000 of 1000 tokens are used"


def test_an_extension_counts_for_tokens_calls_and_money() -> None:
    budget = BudgetTracker(Budget(tokens=1_000, model_calls=3, usd=0.001), PRICES)
    budget.extend()
    budget.settle(0, used("m", Tokens(input=1_500), calls=5), "executor")

    assert budget.reached(0) is None
    budget.settle(0, used("free", Tokens(input=500)), "executor")
    assert budget.reached(0) == "2000 of 2000 tokens are used"
    calls = BudgetTracker(BUDGET, None)
    calls.extend()
    calls.settle(0, Usage(model_calls=6), "executor")
    assert calls.reached(0) == "6 of 6 model calls are used"
    money = BudgetTracker(Budget(usd=0.001), PRICES)
    money.extend()
    money.settle(0, used("m", Tokens(input=2_000)), "executor")
    assert money.reached(0) == "0.0020 of 0.002 USD are spent"


def test_an_empty_table_of_prices_counts_no_reservations() -> None:
    limits = Budget(tokens=50_000_000, usd=0.000_01)
    budget = BudgetTracker(limits, PriceTable(date="2026-11-21", models={}))
    budget.reserve(49_999_999)

    assert budget.reached(0) is None
