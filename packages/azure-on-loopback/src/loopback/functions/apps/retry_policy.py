"""A function's retry policy, as `@app.retry` declares it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loopback.functions.apps.host_settings import parse_timespan


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts with pauses between them; each pause is twice the one before, up to a limit."""

    max_attempts: int | None
    """None for no limit."""
    min_pause: timedelta
    max_pause: timedelta

    def pause(self, attempts: int) -> timedelta:
        """Return the pause after so many attempts."""
        seconds = min(self.min_pause.total_seconds() * 2.0 ** min(attempts - 1, 60), self.max_pause.total_seconds())
        return timedelta(seconds=seconds)


def read_retry_policy(settings: Mapping[str, Any]) -> RetryPolicy:
    """Read a policy; raises `ValueError` that names the field and quotes its value."""
    count = str(settings.get("max_retry_count"))
    try:
        max_attempts = None if int(count) < 0 else int(count) + 1
    except ValueError as error:
        raise ValueError(f"max_retry_count of its retry policy must be a whole number, not {count!r}") from error
    match settings.get("strategy"):
        case "fixed_delay":
            pause = _timespan(settings, "delay_interval")
            return RetryPolicy(max_attempts, pause, pause)
        case "exponential_backoff":
            return RetryPolicy(
                max_attempts, _timespan(settings, "minimum_interval"), _timespan(settings, "maximum_interval")
            )
        case other:
            raise ValueError(f"strategy of its retry policy must be fixed_delay or exponential_backoff, not {other!r}")


def _timespan(settings: Mapping[str, Any], name: str) -> timedelta:
    try:
        return parse_timespan(str(settings.get(name)))
    except ValueError as error:
        raise ValueError(f"{name} of its retry policy: {error}") from error
