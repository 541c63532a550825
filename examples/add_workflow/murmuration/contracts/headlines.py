"""A headline, and what it is written from."""

from murmuration.contracts.base import Contract


class HeadlineRequest(Contract):
    """The input of the workflow `headline`."""

    text: str
    max_words: int


class Headline(Contract):
    """The result of the workflow `headline`."""

    text: str
    words: int
