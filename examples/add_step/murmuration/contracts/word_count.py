"""The length of a text."""

from murmuration.contracts.base import Contract


class WordCount(Contract):
    """How many words a text has."""

    words: int
