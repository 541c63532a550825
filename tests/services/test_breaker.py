"""Who is down is left alone, and found out when it is back."""

import contextlib

import pytest

from murmuration.services.errors import RATE_LIMITED, GiveUp, RetryLater
from murmuration.services.model.breaker import FAILURES, OPEN_SECONDS, CircuitBreaker, CircuitOpen


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A breaker, its clock, and how many calls got through."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.breaker = CircuitBreaker(self.clock)
        self.through = 0

    def call(self, problem: BaseException | None = None) -> None:
        with self.breaker.call():
            self.through += 1
            if problem is not None:
                raise problem

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(RetryLater):
                self.call(RetryLater("model_unavailable", "down"))


def test_failures_in_a_row_open_the_circuit_and_nothing_gets_through() -> None:
    watched = Watched()
    watched.fail(FAILURES)
    watched.clock.now += 10

    with pytest.raises(CircuitOpen) as refused:
        watched.call()

    assert watched.through == FAILURES
    assert refused.value.seconds == OPEN_SECONDS - 10, "when to come back"


def test_a_success_or_another_answer_in_between_keeps_it_closed() -> None:
    watched = Watched()
    for answer in (None, GiveUp("model_rejected_request", "400"), RetryLater(RATE_LIMITED, "429")):
        watched.fail(FAILURES - 1)
        with contextlib.suppress(GiveUp, RetryLater):
            watched.call(answer)
    watched.fail(FAILURES - 1)

    watched.call()


def test_after_a_while_one_call_gets_through_and_its_success_closes_the_circuit() -> None:
    watched = Watched()
    watched.fail(FAILURES)
    watched.clock.now += OPEN_SECONDS

    with watched.breaker.call(), pytest.raises(CircuitOpen):
        watched.call()

    watched.call()
    watched.fail(FAILURES - 1)
    watched.call()


def test_the_failure_of_that_call_opens_it_again() -> None:
    watched = Watched()
    watched.fail(FAILURES)
    watched.clock.now += OPEN_SECONDS
    watched.fail()

    with pytest.raises(CircuitOpen):
        watched.call()

    watched.clock.now += OPEN_SECONDS
    watched.call()


def test_a_call_that_is_cancelled_tells_nothing_and_lets_the_next_one_find_out() -> None:
    watched = Watched()
    watched.fail(FAILURES)
    watched.clock.now += OPEN_SECONDS
    with pytest.raises(KeyboardInterrupt):
        watched.call(KeyboardInterrupt())

    watched.call()

    assert watched.through == FAILURES + 2


def test_calls_that_were_under_way_when_it_opened_do_not_keep_it_open_longer() -> None:
    watched = Watched()
    with contextlib.suppress(RetryLater), watched.breaker.call():
        watched.fail(FAILURES)
        watched.clock.now += OPEN_SECONDS - 1
        raise RetryLater("model_timeout", "late")
    watched.clock.now += 1

    watched.call()
