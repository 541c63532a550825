"""References: large values live in the artifact store, and history carries their names."""

from murmuration.contracts.base import Contract

INLINE_BYTES = 8 * 1024
"""Texts of up to this many UTF-8 bytes travel inline; longer ones as a reference."""


class Reference(Contract):
    """The name of an artifact: `<tenant key>/runs/<run>/<SHA-256>`. Within a run the same bytes have the same name."""

    artifact: str
    bytes: int


class Content(Contract):
    """A text that may be large: exactly one of the two fields is set."""

    text: str | None = None
    reference: Reference | None = None
