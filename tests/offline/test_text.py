"""Words as the offline model and the hash embeddings know them, from many threads at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from murmuration.offline.text import stem

WORDS = [f"{start}{end}" for start in ("nation", "hop", "relat", "oper") for end in ("alizations", "efulness", "ional")]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads give way to each other at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_stem_at_once_do_not_mix_up_their_words() -> None:
    words = [f"{number}{word}" for number in range(200) for word in WORDS]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(stem, words))

    stem.cache_clear()
    assert found == [stem(word) for word in words]
