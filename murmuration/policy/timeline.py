"""Memories about one subject, in the order in which they were held true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MemoryVersion:
    """A memory that is kept: held true from `since` until `until` (None: still)."""

    id: str
    text: str
    """Normalised."""
    since: datetime
    until: datetime | None
    asserted_at: datetime
    """When a run said it last."""
    used: datetime


@dataclass(frozen=True)
class VersionPlacement:
    """Where a memory belongs among those on its subject."""

    repeats: MemoryVersion | None = None
    """The one that says the same already: nothing is new, but that it may have held earlier than was known."""
    newer: MemoryVersion | None = None
    """What holds after it; None: it is the newest."""
    until: datetime | None = None
    """How long it holds; None: still."""
    supersedes: tuple[MemoryVersion, ...] = ()
    """Those that end where it begins."""
    revived: bool = False
    """Whether the same was held true at another time, and not in between."""


def place_version(kept: Sequence[MemoryVersion], text: str, at: datetime) -> VersionPlacement:
    """Where `text`, normalised and said `at`, belongs. Steps that are delivered late or twice change nothing newer.

    What is said of a time in the midst of something else, which was said before and after, holds for no time: only
    the last time of saying is known, and whether the other held in between is not.
    """
    timeline = sorted(kept, key=lambda each: (each.since, each.id))
    holding = [each for each in timeline if each.since <= at and (each.until is None or each.until > at)]
    newer = next((each for each in timeline if each.since > at), None)
    if holding and holding[-1].text == text:
        # Writers that did not see each other yet may have left others open before it.
        return VersionPlacement(repeats=holding[-1], supersedes=tuple(holding[:-1]))
    revived = any(each.text == text for each in timeline)
    if holding and holding[-1].asserted_at > at:
        passed = next((each for each in timeline if each.text == text and each.since == at), None)
        return VersionPlacement(repeats=passed, newer=holding[-1], until=at, revived=revived)
    if newer is not None and newer.text == text:
        return VersionPlacement(repeats=newer, supersedes=tuple(holding))
    return VersionPlacement(
        newer=newer, until=newer.since if newer else None, supersedes=tuple(holding), revived=revived
    )
