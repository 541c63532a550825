"""Work that a provider does in the background, while the workflow sleeps."""

from murmuration.contracts.base import Contract


class UnderWay(Contract):
    """The input of `cancel_background`."""

    token: str
    """The token of the `Later` that reported the work."""


class Cancelled(Contract):
    """The result of `cancel_background`: the provider was told to stop, or the work had ended."""
