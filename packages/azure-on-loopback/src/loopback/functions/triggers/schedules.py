"""When a timer trigger is due: NCRONTAB texts with a field for seconds, or a time span."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from loopback.functions.apps.host_settings import parse_timespan

_NOTHING_MISSED = timedelta(minutes=1)
"""Azure keeps no count of schedules that are closer than this."""


@dataclass(frozen=True)
class Schedule:
    """In UTC. Of a day of the month and a day of the week both must fit, as in NCRONTAB."""

    text: str

    def __post_init__(self) -> None:
        """Raises `ValueError` that quotes a text that is no schedule."""
        start = datetime(2026, 1, 1)  # noqa: DTZ001 - any moment will do
        try:
            if self.after(start) <= start:
                raise ValueError("it comes again without a pause")
        except ValueError as error:
            raise ValueError(f"{self.text!r} is no schedule such as '0 */5 * * * *': {error}") from error

    def after(self, moment: datetime) -> datetime:
        """The first time that is later than `moment`."""
        if re.fullmatch(r"[\d.]+(:\d+){2}", self.text.strip()):
            return moment + parse_timespan(self.text.strip())
        fields = self.text.split()
        if len(fields) not in (5, 6):
            raise ValueError("it has to have six fields: second minute hour day month day-of-week")
        found: datetime = croniter(self.text, moment, second_at_beginning=len(fields) == 6, day_or=False).get_next(
            datetime
        )
        return found

    def missed(self, last: datetime, now: datetime) -> bool:
        """Whether a time between `last` and `now` went by unused."""
        first = self.after(last)
        return first < now and self.after(first) - first >= _NOTHING_MISSED
