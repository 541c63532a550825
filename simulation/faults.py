"""What goes wrong with the steps of a simulated goal, and when: drawn from a seed."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass
class Step:
    """One activity as it was scheduled, and what came of it. Times in seconds from the start."""

    instance: str
    episode: int
    name: str
    message: dict[str, Any]
    scheduled: float
    delivered: float | None = None
    result: Any = None
    """As the orchestrator is told; an Exception when the activity failed."""
    performed: int = 0
    """How often its effect happened."""


class Faults:
    """What goes wrong, drawn anew for each step from the seed and the step's own place: order does not matter."""

    def __init__(self, seed: str, rate: float, restarts: float) -> None:
        self._seed = seed
        self._rate = rate
        self._restarts = restarts
        self.injected: Counter[str] = Counter()

    def of(self, *place: object) -> random.Random:
        return random.Random(f"{self._seed}/{place}")

    def hit(self, what: str) -> str:
        self.injected[what] += 1
        return what

    def restart(self, instance: str, episode: int) -> bool:
        """Whether the host dies in this episode, before it is committed."""
        return self.of("restart", instance, episode).random() < self._restarts and bool(self.hit("host_restart"))

    def fate(self, instance: str, number: int, times: int) -> str:
        """What happens to the activity `number`, performed for the `times`-th time; empty: nothing."""
        draw = self.of("fate", instance, number, times)
        if draw.random() >= self._rate:
            return ""
        return draw.choice(("crash_before", "crash_after", "raised", "rate_limited", "unavailable", "slow"))

    def seconds(self, instance: str, number: int, _: Step) -> float:
        """How long the activity takes: few lengths, so that several end at one moment, in any order."""
        return self.of("seconds", instance, number).choice((1.0, 1.0, 1.0, 2.0))


def refusal(fate: str, draw: random.Random) -> Any:
    """What the orchestrator is told of a step that could not be done: an exception, or `Later` as JSON."""
    if fate == "raised":
        return RuntimeError("the worker was lost")
    asked = float(draw.randint(2, 90)) if fate == "rate_limited" else None
    code = fate if fate == "rate_limited" else "model_unavailable"
    return {"outcome": "later", "code": code, "seconds": asked}
