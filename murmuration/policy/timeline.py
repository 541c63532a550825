"""Memories about one subject, in the order in which they were held true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Held:
    """A memory that is kept: held true from `since` until `until` (None: still)."""

    id: str
    text: str
    """Normalised."""
    since: datetime
    until: datetime | None
    said: datetime
    """When a run said it last."""
    used: datetime


@dataclass(frozen=True)
class Entry:
    """Where a memory belongs among those on its subject."""

    repeats: Held | None = None
    """The one that says the same already: nothing is new, but that it may have held earlier than was known."""
    newer: Held | None = None
    """What holds after it; None: it is the newest."""
    until: datetime | None = None
    """How long it holds; None: still."""
    closes: tuple[Held, ...] = ()
    """Those that end where it begins."""
    again: bool = False
    """Whether the same was held true at another time, and not in between."""


def entry(kept: Sequence[Held], text: str, at: datetime) -> Entry:
    """Where `text`, normalised and said `at`, belongs. Steps that are delivered late or twice change nothing newer.

    What is said of a time in the midst of something else, which was said before and after, holds for no time: only
    the last time of saying is known, and whether the other held in between is not.
    """
    timeline = sorted(kept, key=lambda each: (each.since, each.id))
    holding = [each for each in timeline if each.since <= at and (each.until is None or each.until > at)]
    newer = next((each for each in timeline if each.since > at), None)
    if holding and holding[-1].text == text:
        # Writers that did not see each other yet may have left others open before it.
        return Entry(repeats=holding[-1], closes=tuple(holding[:-1]))
    again = any(each.text == text for each in timeline)
    if holding and holding[-1].said > at:
        passed = next((each for each in timeline if each.text == text and each.since == at), None)
        return Entry(repeats=passed, newer=holding[-1], until=at, again=again)
    if newer is not None and newer.text == text:
        return Entry(repeats=newer, closes=tuple(holding))
    return Entry(newer=newer, until=newer.since if newer else None, closes=tuple(holding), again=again)
