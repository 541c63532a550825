"""A function's retry policy, as `@app.retry` gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loopback.functions.apps.host_settings import parse_timespan


@dataclass(frozen=True)
class RetryPolicy:
    tries: int | None
    """None: as long as it takes."""
    least: timedelta
    most: timedelta

    def pause(self, tries: int) -> timedelta:
        """Before the next try, after so many."""
        seconds = min(self.least.total_seconds() * 2.0 ** min(tries - 1, 60), self.most.total_seconds())
        return timedelta(seconds=seconds)


def read_retry_policy(given: Mapping[str, Any]) -> RetryPolicy:
    """Raises `ValueError` that names the field and quotes its value."""
    count = str(given.get("max_retry_count"))
    try:
        tries = None if int(count) < 0 else int(count) + 1
    except ValueError as error:
        raise ValueError(f"max_retry_count of its retry policy is to be a number, not {count!r}") from error
    match given.get("strategy"):
        case "fixed_delay":
            pause = _span(given, "delay_interval")
            return RetryPolicy(tries, pause, pause)
        case "exponential_backoff":
            return RetryPolicy(tries, _span(given, "minimum_interval"), _span(given, "maximum_interval"))
        case other:
            raise ValueError(f"strategy of its retry policy is fixed_delay or exponential_backoff, not {other!r}")


def _span(given: Mapping[str, Any], name: str) -> timedelta:
    try:
        return parse_timespan(str(given.get(name)))
    except ValueError as error:
        raise ValueError(f"{name} of its retry policy: {error}") from error
