"""Stems are the same from many threads at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from murmuration.offline.text import stem

WORDS = [f"{start}{end}" for start in ("nation", "hop", "relat", "oper") for end in ("alizations", "efulness", "ional")]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Make threads switch as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_concurrent_threads_get_the_right_stems() -> None:
    words = [f"{number}{word}" for number in range(200) for word in WORDS]
    with ThreadPoolExecutor(8) as threads:
        stems = list(threads.map(stem, words))

    stem.cache_clear()
    assert stems == [stem(word) for word in words]
