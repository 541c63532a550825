"""Counts the words of a text."""

from murmuration.contracts.content import Content
from murmuration.contracts.word_count import WordCount
from murmuration.services.storage.artifacts import Artifacts, get_text


async def count_words(content: Content, artifacts: Artifacts) -> WordCount:
    """Safe to run twice: it only reads."""
    return WordCount(words=len((await get_text(artifacts, content)).split()))
