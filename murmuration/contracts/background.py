"""Work that a provider does while nobody waits."""

from murmuration.contracts.base import Contract


class UnderWay(Contract):
    token: str
    """Of the `Later` that told of it."""


class Cancelled(Contract):
    """It has been told to stop, or had ended."""
