"""The cost of tokens."""

from collections.abc import Mapping

from murmuration.contracts.prices import PriceTable
from murmuration.contracts.usage import Tokens

TOKENS_PRICED = 1_000_000
"""The number of tokens that a price is for."""


class UnknownModel(Exception):
    """A model was called that the run's prices don't list: the settings have changed since the run began."""

    def __init__(self, model: str) -> None:
        super().__init__(f"the run's prices do not list the model {model!r}")
        self.model = model


def cost(used: Mapping[str, Tokens], prices: PriceTable) -> int:
    """Add up the micro-dollars, rounded up once; raises `UnknownModel`."""
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
