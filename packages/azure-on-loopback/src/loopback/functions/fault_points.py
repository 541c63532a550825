"""Named points at which a test can kill the host.

`LOOPBACK_DIE_AT="activity: ran"` ends the process at the first activity that has run, without cleaning up;
`"activity: ran:3"` at the third. Each transaction has two points, just before and just after its commit.
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
"""All kinds of changes of the store."""

EFFECTS = ("episode: replayed", "activity: ran", "entity: ran", "invocation: ran")
"""Points at which the app's code has run and its result is not yet recorded."""

POINTS = EFFECTS + tuple(f"{name}: {side}" for name in TRANSACTIONS for side in ("before commit", "committed"))


class _FaultPoint:
    """The point at which the process dies, and the number of arrivals there until it does."""

    def __init__(self, setting: str | None) -> None:
        name, _, count = (setting or "").rpartition(":")
        self.point, self.left = (name, int(count)) if count.isdigit() else (setting or "", 1)
        if setting and self.point not in POINTS:
            raise ValueError(f"{DIE_AT} names no fault point: {setting!r}")

    def reach(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os._exit(EXIT_STATUS)


reach = _FaultPoint(os.environ.get(DIE_AT)).reach
"""Mark that the host is at one of `POINTS`; the process may end here."""
