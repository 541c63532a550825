"""What models cost: frozen into a run's input, so that a change of the table does not change what it has spent."""

from typing import Annotated

from pydantic import Field

from murmuration.contracts.base import Contract

MicroDollars = Annotated[int, Field(ge=0)]
"""Millionths of a US dollar: integers, so that history and sums are exact."""


class Price(Contract):
    """Of a million tokens of each kind."""

    input: MicroDollars = 0
    cached_input: MicroDollars = 0
    output: MicroDollars = 0
    embedding: MicroDollars = 0


class PriceTable(Contract):
    """The prices of the models that a run may ask."""

    date: str
    """The day from which the table is, such as 2026-11-21."""
    models: dict[str, Price]
    """By the names that the settings give them."""


class Cost(Contract):
    """What a run has cost, by the prices that it began with."""

    micro_dollars: MicroDollars
    by_agent: dict[str, MicroDollars] = {}
    """By agent, and by step where no agent was asked; each is rounded up, so that the sum may be a little higher."""
    prices_of: str
    """The day from which the prices are."""
