"""A deployment that is down is left alone, until one call finds it up again."""

import contextlib

import pytest

from murmuration.services.errors import RATE_LIMITED, GiveUp, RetryLater
from murmuration.services.model.breaker import FAILURES, OPEN_SECONDS, CircuitBreaker, CircuitOpen


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class CountedBreaker:
    """A breaker, its clock, and the number of calls that got through."""

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


def test_failures_in_a_row_open_the_circuit() -> None:
    counted = CountedBreaker()
    counted.fail(FAILURES)
    counted.clock.now += 10

    with pytest.raises(CircuitOpen) as refused:
        counted.call()

    assert counted.through == FAILURES
    assert refused.value.seconds == OPEN_SECONDS - 10, "the pause that is left"


def test_a_success_or_another_answer_in_between_keeps_the_circuit_closed() -> None:
    counted = CountedBreaker()
    for answer in (None, GiveUp("model_rejected_request", "400"), RetryLater(RATE_LIMITED, "429")):
        counted.fail(FAILURES - 1)
        with contextlib.suppress(GiveUp, RetryLater):
            counted.call(answer)
    counted.fail(FAILURES - 1)

    counted.call()


def test_after_a_while_one_call_gets_through_and_its_success_closes_the_circuit() -> None:
    counted = CountedBreaker()
    counted.fail(FAILURES)
    counted.clock.now += OPEN_SECONDS

    with counted.breaker.call(), pytest.raises(CircuitOpen):
        counted.call()

    counted.call()
    counted.fail(FAILURES - 1)
    counted.call()


def test_the_failure_of_that_call_opens_the_circuit_again() -> None:
    counted = CountedBreaker()
    counted.fail(FAILURES)
    counted.clock.now += OPEN_SECONDS
    counted.fail()

    with pytest.raises(CircuitOpen):
        counted.call()

    counted.clock.now += OPEN_SECONDS
    counted.call()


def test_a_cancelled_call_counts_neither_way_and_the_next_one_decides() -> None:
    counted = CountedBreaker()
    counted.fail(FAILURES)
    counted.clock.now += OPEN_SECONDS
    with pytest.raises(KeyboardInterrupt):
        counted.call(KeyboardInterrupt())

    counted.call()

    assert counted.through == FAILURES + 2


def test_calls_that_were_under_way_when_the_circuit_opened_do_not_prolong_it() -> None:
    counted = CountedBreaker()
    with contextlib.suppress(RetryLater), counted.breaker.call():
        counted.fail(FAILURES)
        counted.clock.now += OPEN_SECONDS - 1
        raise RetryLater("model_timeout", "late")
    counted.clock.now += 1

    counted.call()
