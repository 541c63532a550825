"""Random workflow programs for `benchmarks.random_workflows`, and their expected results.

A program is a list of rounds, each a tree of operations as JSON; `benchmarks/apps/random_workflows` runs it. `expected`
computes its result without a host: one value in, one out, every operation in the order it is written. It shares no code
with the app, so that a mistake in one of them shows.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Op = dict[str, Any]
MAX_ACTIVITIES = 8
MAX_DEPTH = 3
MODULUS = 1_000_003


def program(chance: Random, *, trees: bool = False) -> list[Op]:
    """Make the rounds of a program with 1 to `MAX_ACTIVITIES` activities; with `trees`, trees may run at once."""
    maker = _Maker(chance, chance.randint(1, MAX_ACTIVITIES) - 1, trees=trees)
    rounds = maker.rounds(0, known=True)
    children = chance.choice(rounds)["children"]
    children.insert(chance.randint(0, len(children)), maker.activity())
    return rounds


class _Maker:
    """Generator of operations; `left` counts the activities it may still add.

    `known` says whether the driver knows the id of the instance and so can send it events.
    """

    def __init__(self, chance: Random, left: int, *, trees: bool) -> None:
        self._trees = trees
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
        return [self._child(names, depth, known) for _ in range(self._chance.randint(1, 4))]

    def _child(self, names: Sequence[str], depth: int, known: bool) -> Op:
        """Make a leaf or a sequence without a status: of several set at once, any may be the last."""
        if not self._trees or depth >= MAX_DEPTH or self._chance.random() < 0.5:
            return self._leaf(names, depth, known)
        children = [self._any(depth + 1, known=known) for _ in range(self._chance.randint(1, 3))]
        kept = [child for child in children if "status" not in json.dumps(child)]
        return self._op("sequence", children=kept or [self._op("timer", milliseconds=1)])

    def _leaf(self, names: Sequence[str], depth: int, known: bool) -> Op:
        """Make one task; a short timer where none of `names` is possible."""
        possible = [name for name in names if name != "event" or known]
        possible = [name for name in possible if name not in ("activity", "retry", "broken", "sub") or self._left > 0]
        possible = [name for name in possible if name != "sub" or depth < MAX_DEPTH] or ["timer"]
        name = self._chance.choice(possible)
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
        sub = self._sub(max(depth, MAX_DEPTH - 1))
        sub["rounds"][-1]["children"].append(self._op("broken"))
        return sub


@dataclass
class Expected:
    """The result of a run."""

    value: int = 0
    rounds: int = 0
    status: Any = None
    """Custom status at the end."""
    activities: Counter[int] = field(default_factory=Counter)
    """Minimal number of runs of an activity, by step."""


class _Broken(Exception):
    """An activity that fails on purpose, uncaught."""


def expected(rounds: Sequence[Op], value: int) -> Expected:
    """Compute the result of a run in which nothing fails but by intent."""
    result = Expected(value, len(rounds))
    for operation in rounds:
        result.value = _value(operation, result.value, result)
    return result


def _value(op: Op, value: int, result: Expected) -> int:
    step = op["step"]
    match op["op"]:
        case "activity" | "retry":
            result.activities[step] += 1 + op.get("fails", 0)
        case "broken" | "broken_retry":
            result.activities[step] += op.get("tries", 1)
            raise _Broken
        case "status":
            result.status = {"step": step}
        case "event":
            return _mix(value, op["sent"])
        case "race":
            return _value(op["child"], value, result)
        case "caught":
            return _settled(op["child"], value, result, step)
        case "sequence":
            for child in op["children"]:
                value = _value(child, value, result)
            return value
        case "parallel" | "gather":
            return _together(op["children"], value, result)
        case "sub":
            inner = Expected(value, activities=result.activities)
            for operation in op["rounds"]:
                inner.value = _value(operation, inner.value, inner)
            return _mix(inner.value, len(op["rounds"]))
    return _mix(value, step)


def _together(children: Sequence[Op], value: int, result: Expected) -> int:
    total = value
    for child in children:
        total = _mix(total, _settled(child, value, result, child["step"]))
    return total


def _settled(op: Op, value: int, result: Expected, step: int) -> int:
    try:
        return _value(op, value, result)
    except _Broken:
        return _mix(value, step)


def _mix(value: int, number: int) -> int:
    return (value * 31 + number) % MODULUS


def events(rounds: Sequence[Op], owner: int | None = None) -> Iterator[tuple[int | None, int, int]]:
    """Yield all waits: (step of the named sub-orchestration that waits, None for the run itself; step; event)."""
    for op in rounds:
        if op["op"] == "event":
            yield owner, op["step"], op["sent"]
        inner = [op["child"]] if "child" in op else op.get("children", [])
        yield from events(inner, owner)
        yield from events(op.get("rounds", []), op["step"])
