"""What tokens cost."""

from collections.abc import Mapping

from murmuration.contracts.prices import PriceTable
from murmuration.contracts.usage import Tokens

TOKENS_PRICED = 1_000_000
"""A price is of so many tokens."""


class UnknownModel(Exception):
    """A model was asked that the run's prices don't know: the settings have changed since it began."""

    def __init__(self, model: str) -> None:
        super().__init__(f"the run's prices have none of the model {model!r}")
        self.model = model


def cost(used: Mapping[str, Tokens], prices: PriceTable) -> int:
    """Micro-dollars, rounded up once; raises `UnknownModel`."""
    total = 0
    for model, tokens in used.items():
        price = prices.models.get(model)
        if price is None:
            raise UnknownModel(model)
        total += (tokens.input - tokens.cached_input) * price.input
        total += tokens.cached_input * price.cached_input
        total += tokens.output * price.output
        total += tokens.embedding * price.embedding
    return -(-total // TOKENS_PRICED)
