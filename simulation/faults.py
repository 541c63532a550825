"""The faults of a simulated goal, drawn from a seed, and workers that suffer them."""

import random
from collections import Counter
from typing import Any, Protocol

from simulation.records import ScheduledStep
from simulation.virtual_host import VirtualHost

REDELIVERY_SECONDS = 5.0
"""The time after which the work of a lost worker is given to another."""
SLOWDOWN = 100
FATES = ("crash_before", "crash_after", "raised", "rate_limited", "unavailable", "slow")
REFUSALS = ("raised", "rate_limited", "unavailable")


class Faults:
    """Draws each fault from the seed and from the place where it happens, so that order does not matter."""

    def __init__(self, seed: str, rate: float, restarts: float) -> None:
        self._seed = seed
        self._rate = rate
        self._restarts = restarts
        self.injected: Counter[str] = Counter()

    def draw(self, *place: object) -> random.Random:
        return random.Random(f"{self._seed}/{place}")

    def restart(self, instance: str, episode: int) -> bool:
        """Whether the host dies in this episode, before it is committed."""
        dies = self.draw("restart", instance, episode).random() < self._restarts
        if dies:
            self.injected["host_restart"] += 1
        return dies

    def fate(self, step: ScheduledStep, delivery: int) -> str:
        """The fault that befalls the step in its `delivery`-th delivery, counted from 1; empty: none."""
        draw = self.draw("fate", step.instance, step.number, delivery)
        return "" if draw.random() >= self._rate else draw.choice(FATES)

    def seconds(self, step: ScheduledStep) -> float:
        """How long the step takes. There are few lengths, so that several end at one moment, in any order."""
        return self.draw("seconds", step.instance, step.number).choice((1.0, 1.0, 1.0, 2.0))


class World(Protocol):
    """The outside, as far as steps reach it."""

    def perform(self, step: ScheduledStep) -> Any:
        """Let the effects of the step happen, and return its result."""


class FaultyWorkers:
    """Perform each step at least once: a worker that crashes is followed by another."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def begin(self, host: VirtualHost, step: ScheduledStep) -> None:
        self._deliver(host, step, 1)

    def _deliver(self, host: VirtualHost, step: ScheduledStep, delivery: int) -> None:
        fate = self._faults.fate(step, delivery)
        seconds = self._faults.seconds(step) * (SLOWDOWN if fate == "slow" else 1)
        host.at(host.now + seconds, lambda: self._perform(host, step, delivery, fate))

    def _perform(self, host: VirtualHost, step: ScheduledStep, delivery: int, fate: str) -> None:
        if fate:
            self._faults.injected[fate] += 1
        result: Any = None
        if fate in REFUSALS:
            result = _refusal(fate, self._faults.draw("after", step.instance, step.number, delivery))
        elif fate != "crash_before":
            step.performed += 1
            result = self._world.perform(step)
        if fate in ("crash_before", "crash_after"):
            host.at(host.now + REDELIVERY_SECONDS, lambda: self._deliver(host, step, delivery + 1))
        else:
            host.complete(step, result)


def _refusal(fate: str, draw: random.Random) -> Any:
    """The result of a step that could not be done: an exception, or `Later` as JSON."""
    if fate == "raised":
        return RuntimeError("the worker was lost")
    if fate == "rate_limited":
        return {"outcome": "later", "code": fate, "seconds": float(draw.randint(2, 90))}
    return {"outcome": "later", "code": "model_unavailable", "seconds": None}
