"""Stems of English words."""

import threading
from functools import lru_cache

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")
_STEMMER_LOCK = threading.Lock()
"""The stemmer holds the word it works on, so two threads at once would get wrong stems or an IndexError."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the word's stem, so that "limits" meets "limited"."""
    with _STEMMER_LOCK:
        return str(_STEMMER.stemWord(word.lower()))
