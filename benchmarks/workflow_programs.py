"""Random workflow programs for `benchmarks.random_workflows`, and what each must give.

A program is a list of rounds, each a tree of operations as JSON; `benchmarks/apps/random_workflows` runs it. `expected`
says what comes of it without a host: one value in, one out, everything in the order it is written. It shares no code
with the app, so that a mistake in one of them shows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Op = dict[str, Any]
MAX_ACTIVITIES = 8
MAX_DEPTH = 3
MODULUS = 1_000_003


def program(chance: Random) -> list[Op]:
    """The rounds of a program with 1 to `MAX_ACTIVITIES` activities."""
    maker = _Maker(chance, chance.randint(1, MAX_ACTIVITIES) - 1)
    rounds = maker.rounds(0, known=True)
    children = chance.choice(rounds)["children"]
    children.insert(chance.randint(0, len(children)), maker.activity())
    return rounds


class _Maker:
    """`left`: how many more activities there may be. `known`: whether the driver knows the instance's id."""

    def __init__(self, chance: Random, left: int) -> None:
        self._chance = chance
        self._left = left
        self._step = 0

    def rounds(self, depth: int, *, known: bool) -> list[Op]:
        count = self._chance.choices([1, 2, 3], [7, 2, 1])[0]
        return [self._sequence(depth, known=known) for _ in range(count)]

    def activity(self) -> Op:
        return self._op("activity", milliseconds=self._chance.choice([0, 0, 1, 5]))

    def _op(self, name: str, **fields: Any) -> Op:
        self._step += 1
        return {"op": name, "step": self._step, **fields}

    def _sequence(self, depth: int, *, known: bool) -> Op:
        count = self._chance.randint(1, 3)
        return self._op("sequence", children=[self._any(depth + 1, known=known) for _ in range(count)])

    def _any(self, depth: int, *, known: bool) -> Op:
        names = ["activity", "retry", "timer", "status", "race", "caught"]
        names += ["event"] * known + ["sequence", "parallel", "parallel", "gather", "sub"] * (depth < MAX_DEPTH)
        name = self._chance.choice(names)
        match name:
            case "status":
                return self._op("status")
            case "sequence":
                return self._sequence(depth, known=known)
            case "parallel":
                return self._op(
                    name, children=self._leaves(["activity", "retry", "timer", "event", "sub"], depth, known)
                )
            case "gather":
                return self._op(name, children=self._leaves(["activity", "broken", "event", "sub"], depth, known))
            case "race":
                return self._op(name, child=self._leaf(["activity", "event", "sub"], depth, known))
            case "caught" if self._left > 0:
                return self._op(name, child=self._failing(depth))
            case _:
                return self._leaf([name], depth, known)

    def _leaves(self, names: Sequence[str], depth: int, known: bool) -> list[Op]:
        return [self._leaf(names, depth, known) for _ in range(self._chance.randint(1, 4))]

    def _leaf(self, names: Sequence[str], depth: int, known: bool) -> Op:
        """One task; a short timer where nothing of `names` may be had."""
        usable = [each for each in names if each != "event" or known]
        usable = [each for each in usable if each not in ("activity", "retry", "broken", "sub") or self._left > 0]
        usable = [each for each in usable if each != "sub" or depth < MAX_DEPTH] or ["timer"]
        name = self._chance.choice(usable)
        self._left -= name in ("activity", "retry", "broken")
        match name:
            case "activity":
                return self.activity()
            case "retry":
                return self._op(name, fails=self._chance.randint(1, 2))
            case "event":
                return self._op(name, sent=self._chance.randrange(1000))
            case "sub":
                return self._sub(depth)
            case "broken":
                return self._op(name)
            case _:
                return self._op("timer", milliseconds=self._chance.randint(1, 20))

    def _sub(self, depth: int) -> Op:
        named = self._chance.random() < 0.5
        return self._op("sub", named=named, rounds=self.rounds(depth + 1, known=named))

    def _failing(self, depth: int) -> Op:
        self._left -= 1
        name = self._chance.choice(["broken", "broken_retry", "sub"])
        if name == "broken_retry":
            return self._op(name, tries=2)
        if name == "broken":
            return self._op(name)
        found = self._sub(max(depth, MAX_DEPTH - 1))
        found["rounds"][-1]["children"].append(self._op("broken"))
        return found


@dataclass
class Expected:
    """`activities`: by step, how often its activity runs at least. `status`: the run's custom status at the end."""

    value: int = 0
    rounds: int = 0
    status: Any = None
    activities: Counter[int] = field(default_factory=Counter)


class _Broken(Exception):
    """An activity that breaks on purpose, uncaught."""


def expected(rounds: Sequence[Op], value: int) -> Expected:
    """What a run of these rounds gives when nothing goes wrong but what is meant to."""
    found = Expected(value, len(rounds))
    for each in rounds:
        found.value = _value(each, found.value, found)
    return found


def _value(op: Op, value: int, found: Expected) -> int:
    step = op["step"]
    match op["op"]:
        case "activity" | "retry":
            found.activities[step] += 1 + op.get("fails", 0)
        case "broken" | "broken_retry":
            found.activities[step] += op.get("tries", 1)
            raise _Broken
        case "status":
            found.status = {"step": step}
        case "event":
            return _mix(value, op["sent"])
        case "race":
            return _value(op["child"], value, found)
        case "caught":
            return _settled(op["child"], value, found, step)
        case "sequence":
            for each in op["children"]:
                value = _value(each, value, found)
            return value
        case "parallel" | "gather":
            return _together(op["children"], value, found)
        case "sub":
            inner = Expected(value, activities=found.activities)
            for each in op["rounds"]:
                inner.value = _value(each, inner.value, inner)
            return _mix(inner.value, len(op["rounds"]))
    return _mix(value, step)


def _together(children: Sequence[Op], value: int, found: Expected) -> int:
    total = value
    for child in children:
        total = _mix(total, _settled(child, value, found, child["step"]))
    return total


def _settled(op: Op, value: int, found: Expected, step: int) -> int:
    try:
        return _value(op, value, found)
    except _Broken:
        return _mix(value, step)


def _mix(value: int, number: int) -> int:
    return (value * 31 + number) % MODULUS


def events(rounds: Sequence[Op], owner: int | None = None) -> Iterator[tuple[int | None, int, int]]:
    """All waits: (step of the named sub-orchestration that waits, or None for the run itself; step; what to send)."""
    for op in rounds:
        if op["op"] == "event":
            yield owner, op["step"], op["sent"]
        inner = [op["child"]] if "child" in op else op.get("children", [])
        yield from events(inner, owner)
        yield from events(op.get("rounds", []), op["step"])
