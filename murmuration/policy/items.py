"""Items of an answer: few and short enough to become instructions. Nothing is left out or cut in silence."""

from collections.abc import Sequence

from murmuration.contracts.answers import LostItem
from murmuration.contracts.plans import MAX_ITEMS

MAX_ITEM_CHARACTERS = 200
MAX_NAMED = 40
"""Lost items that are named; the rest is a number, as history has to stay small."""


def fitted_items(items: Sequence[str]) -> tuple[tuple[str, ...], tuple[LostItem, ...]]:
    """Return the first `MAX_ITEMS` items, none longer than `MAX_ITEM_CHARACTERS`, and what was left out or cut."""
    texts = [item.strip() for item in items if item.strip()]
    kept = tuple(map(_cut, texts[:MAX_ITEMS]))
    lost = [
        LostItem(item=short, reason=f"cut to {len(short)} of {len(text)} characters")
        for text, short in zip(texts, kept, strict=False)
        if short != text
    ]
    lost += [
        LostItem(item=_cut(text), reason=f"item {number} of a list, of which the first {MAX_ITEMS} are worked on")
        for number, text in enumerate(texts[MAX_ITEMS : MAX_ITEMS + MAX_NAMED], start=MAX_ITEMS + 1)
    ]
    more = len(texts) - MAX_ITEMS - MAX_NAMED
    if more > 0:
        lost.append(LostItem(item=f"{more} more items", reason=f"of a list of {len(texts)}"))
    return kept, tuple(lost)


def _cut(text: str) -> str:
    """Return the text, cut between words and with an ellipsis when it is too long."""
    if len(text) <= MAX_ITEM_CHARACTERS:
        return text
    start = text[: MAX_ITEM_CHARACTERS - 1]
    words, _, rest = start.rpartition(" ")
    return f"{words if words and len(rest) < MAX_ITEM_CHARACTERS // 4 else start}…"
