"""Admission: the rate of a tenant's requests, and the slots in which its runs work."""

from datetime import datetime

from murmuration.contracts.base import Contract


class Rate(Contract):
    """The limit of a token bucket: `burst` requests at once, and one more every `60 / per_minute` seconds."""

    per_minute: float
    burst: int


class Bucket(Contract):
    """The state of the entity `token_bucket`."""

    full_at: datetime
    """The time at which the bucket will be full, if nothing is taken until then."""


class Take(Contract):
    """The input of `token_bucket.take`: a request was admitted."""

    rate: Rate
    at: datetime
    """By the clock of the process that admitted it."""


class Acquire(Contract):
    """The input of `active_runs.acquire`: a run asks for a slot, or whether it has one by now."""

    run: str
    limit: int
    """The number of slots, by the settings that the run was started with."""
    event: str
    """The external event for which the run will wait if it gets no slot."""
    at: datetime
    again: bool = False
    """Whether the run had a slot before and released it while people decided: then it precedes those that had none."""


class Release(Contract):
    """The input of `active_runs.release`: runs that need no slot any more."""

    run: str
    """The run that reports them."""
    ended: tuple[str, ...]


class QueuedRun(Contract):
    """A run that waits for a slot."""

    run: str
    event: str
    again: bool = False


class ActiveRuns(Contract):
    """The state of the entity `active_runs`: a tenant's runs that hold a slot, and those that wait for one in turn."""

    limit: int = 1
    """The limit of the latest request."""
    active: tuple[str, ...] = ()
    waiting: tuple[QueuedRun, ...] = ()
    holders_checked: datetime | None = None
    """The last time at which a run was told to check whether the holders of slots still work."""


class Wake(Contract):
    """A run to tell that it has a slot, or only to check."""

    run: str
    event: str = ""
    """The event to raise; empty: only check whether the run still works."""


class SlotHolderCheck(Contract):
    """The input of `check_slot_holders`."""

    wakes: tuple[Wake, ...]


class EndedRuns(Contract):
    """The result of `check_slot_holders`: runs that have ended or don't exist."""

    runs: tuple[str, ...] = ()


class Admission(Contract):
    """The answer of the entity `active_runs`."""

    admitted: bool
    """Whether the run that asked has a slot."""
    wakes: tuple[Wake, ...] = ()
    """Runs that the run which asked has to wake or check: an entity can't."""
