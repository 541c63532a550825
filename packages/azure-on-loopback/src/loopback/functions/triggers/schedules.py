"""The schedules of timer triggers: NCRONTAB expressions with a field for seconds, or time spans."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from loopback.functions.apps.host_settings import parse_timespan

_MIN_MONITORED = timedelta(minutes=1)
"""Azure does not catch up on missed runs of schedules that are closer than this."""


@dataclass(frozen=True)
class Schedule:
    """A schedule in UTC. If it restricts the day of the month and the day of the week, both must match (NCRONTAB)."""

    text: str

    def __post_init__(self) -> None:
        """Raise `ValueError` that quotes a text that is no schedule."""
        start = datetime(2026, 1, 1)  # noqa: DTZ001 - any time will do
        try:
            if self.after(start) <= start:
                raise ValueError("it comes again without a pause")
        except ValueError as error:
            raise ValueError(f"{self.text!r} is no schedule such as '0 */5 * * * *': {error}") from error

    def after(self, time: datetime) -> datetime:
        """Return the first scheduled time that is later than `time`."""
        if re.fullmatch(r"[\d.]+(:\d+){2}", self.text.strip()):
            return time + parse_timespan(self.text.strip())
        fields = self.text.split()
        if len(fields) not in (5, 6):
            raise ValueError("it must have six fields: second minute hour day month day-of-week")
        times = croniter(self.text, time, second_at_beginning=len(fields) == 6, day_or=False)
        following: datetime = times.get_next(datetime)
        return following

    def missed(self, last: datetime, now: datetime) -> bool:
        """Tell whether a scheduled time between `last` and `now` passed without a run."""
        first = self.after(last)
        return first < now and self.after(first) - first >= _MIN_MONITORED
