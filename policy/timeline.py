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
    used: datetime


@dataclass(frozen=True)
class Entry:
    """Where a memory belongs among those on its subject."""

    repeats: Held | None = None
    """The one that says the same already: nothing is new."""
    newer: Held | None = None
    """What holds after it; None: it is the newest."""
    closes: tuple[Held, ...] = ()
    """Those that end where it begins."""
    again: bool = False
    """Whether the same was held true at another time, and not in between."""


def entry(kept: Sequence[Held], text: str, at: datetime) -> Entry:
    """Where `text`, normalised and known since `at`, belongs. Steps that are delivered late or twice change nothing."""
    timeline = sorted(kept, key=lambda each: (each.since, each.id))
    holding = [each for each in timeline if each.since <= at and (each.until is None or each.until > at)]
    newer = next((each for each in timeline if each.since > at), None)
    if holding and holding[-1].text == text:
        # Writers that did not see each other yet may have left others open before it.
        others = tuple(each for each in holding[:-1] if each.until is None)
        return Entry(repeats=holding[-1], closes=others)
    if newer is not None and newer.text == text:
        return Entry(repeats=newer)
    return Entry(newer=newer, closes=tuple(holding), again=any(each.text == text for each in timeline))
