"""Stems of words, also when many threads ask for them."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from loopback.model.stemming import stem

WORDS = [f"{start}{end}" for start in ("nation", "hop", "relat", "oper") for end in ("alizations", "efulness", "ional")]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Make threads give way to each other at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_word_forms_share_a_stem() -> None:
    assert stem("Limits") == stem("limited") == "limit"


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_stem_at_once_get_the_stems_of_their_own_words() -> None:
    words = [f"{number}{word}" for number in range(200) for word in WORDS]
    stem.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        stems = list(threads.map(stem, words))

    stem.cache_clear()
    assert stems == [stem(word) for word in words]
