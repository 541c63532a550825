"""The versions of what is remembered on one subject, in the order of the times at which they held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MemoryVersion:
    """A stored memory that held from `since` until `until` (None: it still holds)."""

    id: str
    text: str
    """Normalised."""
    since: datetime
    until: datetime | None
    asserted_at: datetime
    """When a run asserted it last."""
    used: datetime


@dataclass(frozen=True)
class VersionPlacement:
    """The place of an assertion among the versions on its subject."""

    repeats: MemoryVersion | None = None
    """The version that says the same: nothing is new, but it may have held earlier than was known."""
    newer: MemoryVersion | None = None
    """The version that holds after it; None: it is the newest."""
    until: datetime | None = None
    """The end of its time; None: it still holds."""
    supersedes: tuple[MemoryVersion, ...] = ()
    """The versions that end where it begins."""
    revived: bool = False
    """Whether the same text held at another time, but not in between."""


def place_version(versions: Sequence[MemoryVersion], text: str, at: datetime) -> VersionPlacement:
    """Place the assertion of `text`, normalised, at the time `at`. A late or repeated delivery changes nothing newer.

    An assertion within the time of another text, which was asserted before and after it, holds for no time: only the
    last assertion of a text is stored, so it is not known whether the other text still held in between.
    """
    timeline = sorted(versions, key=lambda version: (version.since, version.id))
    holding = [version for version in timeline if version.since <= at and (version.until is None or version.until > at)]
    newer = next((version for version in timeline if version.since > at), None)
    if holding and holding[-1].text == text:
        # Writers that did not see each other yet may have left several open.
        return VersionPlacement(repeats=holding[-1], supersedes=tuple(holding[:-1]))
    revived = any(version.text == text for version in timeline)
    if holding and holding[-1].asserted_at > at:
        same = next((version for version in timeline if version.text == text and version.since == at), None)
        return VersionPlacement(repeats=same, newer=holding[-1], until=at, revived=revived)
    if newer is not None and newer.text == text:
        return VersionPlacement(repeats=newer, supersedes=tuple(holding))
    return VersionPlacement(
        newer=newer, until=newer.since if newer else None, supersedes=tuple(holding), revived=revived
    )
