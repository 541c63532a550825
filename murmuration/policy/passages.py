"""Selection of the passages that an agent gets to read, from those that searches returned."""

import re
from collections.abc import Sequence

from murmuration.contracts.passages import Passage

TOKENS_PER_CHARACTER = 0.25
"""An estimate for English text, which needs no tokenizer."""
SHINGLE_WORDS = 5
"""The number of neighbouring words that are compared together."""
DUPLICATE_SHARE = 0.8
"""Passages that share so much of their shingles say the same."""
MIN_OVERLAP_CHARACTERS = 20
"""Passages are neighbours when the end of one is the beginning of the other, by at least so many characters."""
RANK_CONSTANT = 60
"""The constant of reciprocal rank fusion, as the search service sets it."""
_WORD = re.compile(r"\w+")


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Merge several rankings into one (Cormack et al. 2009); a single ranking stays as it is."""
    scores: dict[str, float] = {}
    passages: dict[str, Passage] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking, start=1):
            scores[passage.id] = scores.get(passage.id, 0.0) + 1 / (RANK_CONSTANT + rank)
            passages.setdefault(passage.id, passage)
    return sorted(passages.values(), key=lambda passage: -scores[passage.id])


def select_passages(passages: Sequence[Passage], *, top: int, tokens: int) -> tuple[Passage, ...]:
    """Select at most `top` passages, best first, of about `tokens` tokens in all.

    Neighbours of one section are joined. A passage is left out when it repeats a better one, or when it does not fit
    any more; the best passage is selected however long it is.
    """
    selected: list[Passage] = []
    left = tokens
    for passage in _without_duplicates(_joined(passages)):
        cost = estimated_tokens(passage.text)
        if len(selected) == top:
            break
        if not selected or cost <= left:
            selected.append(passage)
            left -= cost
    return tuple(selected)


def estimated_tokens(text: str) -> int:
    return int(len(text) * TOKENS_PER_CHARACTER) + 1


def _joined(passages: Sequence[Passage]) -> list[Passage]:
    """The passages with neighbours joined, at the rank of the better."""
    joined: list[Passage] = []
    for passage in passages:
        for index, other in enumerate(joined):
            text = _joined_text(other, passage)
            if text is not None:
                joined[index] = other.model_copy(update={"text": text})
                break
        else:
            joined.append(passage)
    return joined


def _joined_text(one: Passage, other: Passage) -> str | None:
    """The text of both, when one follows the other in the same section; else None."""
    if (one.source, one.heading) != (other.source, other.heading):
        return None
    return _append_overlapping(one.text, other.text) or _append_overlapping(other.text, one.text)


def _append_overlapping(first: str, second: str) -> str | None:
    """`first` and what `second` adds, when the end of the first is the beginning of the second; else None."""
    start = second[:MIN_OVERLAP_CHARACTERS]
    if len(start) < MIN_OVERLAP_CHARACTERS:
        return None
    index = first.find(start)
    while index >= 0:
        if second.startswith(first[index:]):
            return first + second[len(first) - index :]
        index = first.find(start, index + 1)
    return None


def _without_duplicates(passages: Sequence[Passage]) -> list[Passage]:
    """The passages without those that repeat a better one."""
    unique: list[Passage] = []
    seen: list[set[tuple[str, ...]]] = []
    for passage in passages:
        shingles = _shingles(passage.text)
        if any(_shared_share(shingles, other) >= DUPLICATE_SHARE for other in seen):
            continue
        unique.append(passage)
        seen.append(shingles)
    return unique


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return {tuple(words[start : start + SHINGLE_WORDS]) for start in range(max(1, len(words) - SHINGLE_WORDS + 1))}


def _shared_share(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """The share of the smaller set that is in the other, from 0 to 1."""
    return len(one & other) / max(1, min(len(one), len(other)))
