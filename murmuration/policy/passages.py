"""Which of the passages that a search has found an agent is shown."""

import re
from collections.abc import Sequence

from murmuration.contracts.passages import Passage

TOKENS_PER_CHARACTER = 0.25
"""Of English text; an estimate that needs no tokenizer."""
SHINGLE = 5
"""Words that are compared together."""
SAME = 0.8
"""Passages that share so much of their shingles say the same."""
SHORTEST_OVERLAP = 20
"""Characters by which the end of one passage must be the beginning of another for them to be neighbours."""
_WORD = re.compile(r"\w+")


RANK_CONSTANT = 60
"""Of reciprocal rank fusion, as the search service uses it."""


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Passage]]) -> list[Passage]:
    """One ranking of several, by reciprocal rank fusion; one alone stays as it is."""
    worth: dict[str, float] = {}
    found: dict[str, Passage] = {}
    for ranking in rankings:
        for place, passage in enumerate(ranking, start=1):
            worth[passage.id] = worth.get(passage.id, 0.0) + 1 / (RANK_CONSTANT + place)
            found.setdefault(passage.id, passage)
    return sorted(found.values(), key=lambda passage: -worth[passage.id])


def select_passages(found: Sequence[Passage], *, top: int, tokens: int) -> tuple[Passage, ...]:
    """At most `top` passages, best first, of about `tokens` tokens in all.

    Neighbours of one section are put together, what says the same as a better one is left out, and a passage that
    would not fit any more too; the best one is there however long it is.
    """
    kept: list[Passage] = []
    left = tokens
    for passage in _without_repeats(_joined(found)):
        cost = estimated_tokens(passage.text)
        if len(kept) == top:
            break
        if not kept or cost <= left:
            kept.append(passage)
            left -= cost
    return tuple(kept)


def estimated_tokens(text: str) -> int:
    return int(len(text) * TOKENS_PER_CHARACTER) + 1


def _joined(found: Sequence[Passage]) -> list[Passage]:
    """Passages that overlap are one, in the place of the better."""
    joined: list[Passage] = []
    for passage in found:
        for place, other in enumerate(joined):
            text = _together(other, passage)
            if text is not None:
                joined[place] = other.model_copy(update={"text": text})
                break
        else:
            joined.append(passage)
    return joined


def _together(one: Passage, other: Passage) -> str | None:
    """The text of both, when one follows the other in the same section."""
    if (one.source, one.heading) != (other.source, other.heading):
        return None
    return _overlapping(one.text, other.text) or _overlapping(other.text, one.text)


def _overlapping(first: str, second: str) -> str | None:
    """`first` and what `second` adds, when the end of the first is the beginning of the second."""
    start = second[:SHORTEST_OVERLAP]
    if len(start) < SHORTEST_OVERLAP:
        return None
    place = first.find(start)
    while place >= 0:
        if second.startswith(first[place:]):
            return first + second[len(first) - place :]
        place = first.find(start, place + 1)
    return None


def _without_repeats(passages: Sequence[Passage]) -> list[Passage]:
    kept: list[Passage] = []
    seen: list[set[tuple[str, ...]]] = []
    for passage in passages:
        shingles = _shingles(passage.text)
        if any(_likeness(shingles, other) >= SAME for other in seen):
            continue
        kept.append(passage)
        seen.append(shingles)
    return kept


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return {tuple(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))}


def _likeness(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """How much of the smaller is in the other, from 0 to 1."""
    return len(one & other) / max(1, min(len(one), len(other)))
