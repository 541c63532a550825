"""Prices of models. A run's input holds those with which it started, so a new price list can't change its cost."""

from typing import Annotated

from pydantic import Field

from murmuration.contracts.base import Contract

MicroDollars = Annotated[int, Field(ge=0)]
"""Millionths of a US dollar: integers, so that history and sums are exact."""


class Price(Contract):
    """The price of a million tokens of each kind."""

    input: MicroDollars = 0
    cached_input: MicroDollars = 0
    output: MicroDollars = 0
    embedding: MicroDollars = 0


class PriceTable(Contract):
    """The prices of the models that a run may use."""

    date: str
    """The day of the price list, such as 2026-11-21."""
    models: dict[str, Price]
    """Prices by the names that the settings give the models."""


class Cost(Contract):
    """The cost of a run, by the prices with which it started."""

    micro_dollars: MicroDollars
    by_agent: dict[str, MicroDollars] = {}
    """Cost by agent, or by step where no agent was asked. Each is rounded up, so the sum may be a little higher."""
    prices_of: str
    """The day of the price list."""
