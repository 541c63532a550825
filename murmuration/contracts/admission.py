"""Admission: how fast a tenant's requests come in, and which of its runs have a place."""

from datetime import datetime

from murmuration.contracts.base import Contract


class Rate(Contract):
    """How many requests pass: `burst` at once, and one more each time `60 / per_minute` seconds are over."""

    per_minute: float
    burst: int


class Bucket(Contract):
    """A token bucket, as the time at which it is full again if nobody takes anything until then."""

    full_at: datetime


class Take(Contract):
    """A request has passed."""

    rate: Rate
    at: datetime
    """By the clock of the door that let it pass."""


class Acquire(Contract):
    """A run wants a place, or asks whether it has one by now."""

    run: str
    limit: int
    """How many may have a place, by the settings that the run was started with."""
    event: str
    """The external event that it waits for from now on, if it gets none."""
    at: datetime
    again: bool = False
    """It had a place before, and gave it away while people thought: it comes before those that had none."""


class Release(Contract):
    """Runs that need no place any more."""

    run: str
    """Who says so."""
    ended: tuple[str, ...]


class QueuedRun(Contract):
    run: str
    event: str
    again: bool = False


class ActiveRuns(Contract):
    """Which runs of a tenant have a place, and which wait for one, in the order in which they get it."""

    limit: int = 1
    """That of the run which came last."""
    active: tuple[str, ...] = ()
    waiting: tuple[QueuedRun, ...] = ()
    holders_checked: datetime | None = None
    """When it was last said of whom to find out whether they are over."""


class Wake(Contract):
    """Tell a run that it has a place, or only find out whether it is under way."""

    run: str
    event: str = ""
    """Empty: it is not told anything."""


class SlotHolderCheck(Contract):
    wakes: tuple[Wake, ...]


class EndedRuns(Contract):
    """The runs that are over, or not there at all."""

    runs: tuple[str, ...] = ()


class Admission(Contract):
    """What the entity answers."""

    admitted: bool
    """Whether the run that asked has a place."""
    wakes: tuple[Wake, ...] = ()
    """At whom the run that asked should check_slot_holders: an entity can't."""
