"""Named places at which a test lets the host die.

`LOOPBACK_DIE_AT="activity: ran"` ends the process there, without a word, the first time it comes by; with
`"activity: ran:3"` the third time. Each transaction has two places, just before and just after its commit.
"""

import os

DIE_AT = "LOOPBACK_DIE_AT"
EXIT_STATUS = 86

TRANSACTIONS = (
    "start",
    "event",
    "terminate",
    "suspend",
    "resume",
    "rewind",
    "purge",
    "episode",
    "activities",
    "signal",
    "entity",
    "enqueue",
    "invocation",
    "schedule",
)
"""Everything that changes the store."""

EFFECTS = ("episode: replayed", "activity: ran", "entity: ran", "invocation: ran")
"""The app's code has run, nothing of it is recorded yet."""

POINTS = EFFECTS + tuple(f"{name}: {side}" for name in TRANSACTIONS for side in ("before commit", "committed"))


class _Trap:
    """Counts down to the moment to die."""

    def __init__(self, given: str | None) -> None:
        name, _, count = (given or "").rpartition(":")
        self.point, self.left = (name, int(count)) if count.isdigit() else (given or "", 1)
        if given and self.point not in POINTS:
            raise ValueError(f"{DIE_AT} names no fault point: {given!r}")

    def reach(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os._exit(EXIT_STATUS)


reach = _Trap(os.environ.get(DIE_AT)).reach
"""Called by the host at each of `POINTS`."""
