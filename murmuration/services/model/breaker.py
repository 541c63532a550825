"""A circuit breaker: a deployment that is down is not called, except now and then to see whether it is back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from murmuration.services.errors import RATE_LIMITED, RetryLater

FAILURES = 5
"""Failures in a row that open the circuit."""
OPEN_SECONDS = 30.0
"""How long the circuit stays open; then one call goes through and decides."""
PROBE_SECONDS = 2.0
"""The pause for other callers while that call is under way."""


class CircuitOpen(RetryLater):
    """The deployment was not called, because it was down a moment ago."""

    def __init__(self, seconds: float) -> None:
        super().__init__("model_unavailable", "the model has failed repeatedly and is left alone for a while", seconds)


class CircuitBreaker:
    """Closed, then open after `FAILURES` in a row, then half-open: one call closes or opens it again.

    Every `RetryLater` is a failure except a rate limit, which only a deployment that is up can answer. Belongs to one
    event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._reopens: float | None = None
        """When the next call may go through; None while the circuit is closed."""
        self._probing = False

    def check(self) -> None:
        """Raise `CircuitOpen` unless a call may be made now."""
        if self._reopens is None:
            return
        left = self._reopens - self._clock()
        if left > 0:
            raise CircuitOpen(left)
        if self._probing:
            raise CircuitOpen(PROBE_SECONDS)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Observe a call; raises `CircuitOpen`. A cancelled call counts neither way."""
        self.check()
        probe = self._probing = self._reopens is not None
        try:
            yield
        except RetryLater as problem:
            if problem.code == RATE_LIMITED:
                self._close()
            else:
                self._count_failure(probe)
            raise
        except Exception:
            self._close()
            raise
        else:
            self._close()
        finally:
            if probe:
                self._probing = False

    def _close(self) -> None:
        self._failures, self._reopens = 0, None

    def _count_failure(self, probe: bool) -> None:
        self._failures += 1
        if probe or (self._failures >= FAILURES and self._reopens is None):
            self._reopens = self._clock() + OPEN_SECONDS
