"""Embeddings by feature hashing: the features of a text are its words, its pairs of words and pieces of four letters.

They exercise the path of vectors and tell words apart, not meanings: in measurements they never made a hybrid search
better than its words alone, so give them a small weight there.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from loopback.model.stemming import stem

NAME = "local-hash-1"
DIMENSIONS = 384
"""Dimensions of a request that names none."""
_WORD = re.compile(r"\w+")


def embed(texts: Sequence[str], dimensions: int) -> npt.NDArray[np.float32]:
    """Return one unit vector per text; the vector of a text without words is the first axis."""
    vectors = np.zeros((len(texts), dimensions), dtype=np.float32)
    for row, text in enumerate(texts):
        words = [stem(word) for word in _WORD.findall(text)]
        hashes = [piece for word in words for piece in _pieces(word)]
        hashes += [_hash(f"{first} {second}") for first, second in pairwise(words)]
        if not hashes:
            vectors[row, 0] = 1.0
            continue
        numbers = np.array(hashes, dtype=np.uint64)
        signs = np.where(numbers >> np.uint64(63), -1.0, 1.0)
        buckets = (numbers % np.uint64(dimensions)).astype(np.int64)
        counts = np.bincount(buckets, weights=signs, minlength=dimensions)
        damped = np.sign(counts) * np.sqrt(np.abs(counts))
        vectors[row] = damped / (np.linalg.norm(damped) or 1.0)
    return vectors


@lru_cache(maxsize=200_000)
def _pieces(word: str) -> tuple[int, ...]:
    """Return the hashes of the word itself and of its pieces of four letters."""
    framed = f"<{word}>"
    pieces = {framed[start : start + 4] for start in range(max(1, len(framed) - 3))}
    return (_hash(f"w {word}"), *(_hash(f"p {piece}") for piece in sorted(pieces)))


@lru_cache(maxsize=500_000)
def _hash(feature: str) -> int:
    return int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
