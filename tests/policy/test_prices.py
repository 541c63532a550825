"""The cost of tokens, to the millionth of a dollar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.prices import Price, PriceTable
from murmuration.contracts.usage import Tokens, Usage, used
from murmuration.policy.prices import UnknownModel, cost

PRICES = PriceTable(
    date="2026-01-01",
    models={
        "mini": Price(input=250_000, cached_input=25_000, output=2_000_000),
        "e": Price(embedding=20_000),
        "free": Price(),
    },
)
TOKENS = st.builds(
    lambda uncached, cached, output, embedding: Tokens(
        input=uncached + cached, cached_input=cached, output=output, embedding=embedding
    ),
    *[st.integers(0, 10_000_000)] * 4,
)


@pytest.mark.parametrize(
    ("tokens", "micro_dollars"),
    [
        ({}, 0),
        ({"mini": Tokens(input=1_000_000)}, 250_000),
        ({"mini": Tokens(input=1_000_000, cached_input=1_000_000)}, 25_000),
        ({"mini": Tokens(input=3_000, cached_input=1_000, output=500), "e": Tokens(embedding=10_000)}, 1_725),
        ({"mini": Tokens(input=1)}, 1),
        ({"free": Tokens(input=10**9, output=10**9)}, 0),
    ],
)
def test_each_kind_of_token_has_its_price(tokens: dict[str, Tokens], micro_dollars: int) -> None:
    assert cost(tokens, PRICES) == micro_dollars


def test_a_model_without_a_price_is_named_and_not_guessed() -> None:
    with pytest.raises(UnknownModel, match="'other'") as unknown:
        cost({"other": Tokens(input=1)}, PRICES)

    assert unknown.value.model == "other"


@given(st.lists(st.tuples(st.sampled_from(["mini", "e", "free"]), TOKENS), max_size=8))
def test_the_usage_of_steps_adds_up_and_is_rounded_once(steps: list[tuple[str, Tokens]]) -> None:
    usages = [used(model, tokens, calls=1) for model, tokens in steps]
    total = sum(usages, Usage())

    assert total.model_calls == len(steps)
    assert total.tokens == sum(usage.tokens for usage in usages)
    apart = sum(cost(usage.by_model, PRICES) for usage in usages)
    assert apart - len(steps) <= cost(total.by_model, PRICES) <= apart
