"""Recorded histories: keep one as a fixture, and see whether today's code would have decided the same.

recorded = Recorded.read(Path("tests/histories/approved.json"))
assert differences(df.Orchestrator.create(achieve_goal), recorded) == []
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.replay.decisions import KIND_OF, NonDeterminism, UnknownAction, decide


@dataclass(frozen=True)
class Recorded:
    """A run as the host has kept it. `input` is JSON; `events` are those of `GET /admin/instances/{id}/history`."""

    name: str
    instance: str
    parent: str | None
    input: str | None
    events: Sequence[Event]

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def differences(handle: Callable[[str], str], recorded: Recorded) -> list[str]:
    """What the orchestrator behind `handle` would do otherwise, episode by episode; empty when nothing.

    Runs the SDK's own engine over each beginning of the history, as the host did. An activity that is called with
    another input is a difference too, though Azure would not notice it; fields that have come since are none, since
    contracts grow by them.
    """
    history: list[Event] = []
    for number, (arrived, decided) in enumerate(_episodes(recorded.events), start=1):
        history += arrived
        try:
            scheduled, outcome = _asked(handle, recorded, history)
        except (NonDeterminism, UnknownAction, wire.OrchestratorBroke) as problem:
            return [f"episode {number}: {problem}"]
        before = _outcome_of(decided)
        found, kept = [_said(each) for each in scheduled], [_said(task) for task in _tasks(decided)]
        if len(found) != len(kept) or not all(map(_grown, kept, found)):
            missing = [each for each in kept if not any(_grown(each, other) for other in found)]
            new = [each for each in found if not any(_grown(other, each) for other in kept)]
            told = [f"episode {number}: not any more: {_line(*each)}" for each in missing]
            told += [f"episode {number}: new: {_line(*each)}" for each in new]
            order = ", ".join(_line(*each) for each in found)
            return told or [f"episode {number}: in another order: {order}"]
        if before is not None and not _grown(json.loads(before), json.loads(outcome)):
            return [f"episode {number}: ends with {outcome}, not with {before}"]
        history += decided
    return []


def _episodes(events: Sequence[Event]) -> list[tuple[list[Event], list[Event]]]:
    """What arrived, and what was decided then."""
    found: list[tuple[list[Event], list[Event]]] = []
    for event in events:
        if event["EventType"] == wire.ORCHESTRATOR_STARTED:
            found.append(([], []))
        ends = (wire.ORCHESTRATOR_COMPLETED, wire.EXECUTION_COMPLETED)
        decided = event["EventType"] in KIND_OF or event["EventType"] in ends
        found[-1][decided].append(event)
    return [each for each in found if all(one["EventType"] != wire.EXECUTION_TERMINATED for one in each[0])]


def _asked(handle: Callable[[str], str], recorded: Recorded, history: list[Event]) -> tuple[list[Event], str]:
    body = wire.request(
        wire.slim(history), instance=recorded.instance, parent=recorded.parent, input_json=recorded.input
    )
    reply = wire.ask(handle, body)
    now = wire.parse_timestamp(history[-1]["Timestamp"])
    scheduled = decide(history, reply, now, recorded.instance).scheduled
    failed = f"Orchestrator function '{recorded.name}' failed: {reply.error}"
    return scheduled, json.dumps(reply.output if reply.error is None else failed)


def _tasks(decided: Sequence[Event]) -> list[Event]:
    return [each for each in decided if each["EventType"] in KIND_OF]


def _outcome_of(decided: Sequence[Event]) -> str | None:
    return next((each["Result"] for each in decided if each["EventType"] == wire.EXECUTION_COMPLETED), None)


def _said(each: Event) -> tuple[str, Any]:
    """A decision and its input, without what is made up anew each time: moments, and the ids of calls."""
    kind = each["EventType"]
    if kind == wire.TIMER_CREATED:
        return f"step {each['EventId']}: timer", None
    given = json.loads(each["Input"])
    if kind == wire.EVENT_SENT:
        return f"step {each['EventId']}: {KIND_OF[kind]} {each['InstanceId']} {given['op']}", _read(given.get("input"))
    if kind == wire.TASK_SCHEDULED:
        (given,) = given
    return f"step {each['EventId']}: {KIND_OF[kind]} {each['Name']}", _read(given)


def _read(given: Any) -> Any:
    """Inputs are JSON texts, some of them within others."""
    while isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            break
    return given


def _line(said: str, given: Any) -> str:
    return said if given is None else f"{said} with {json.dumps(given)}"


def _grown(kept: Any, found: Any) -> bool:
    """Whether `found` says all that `kept` says; objects may have more fields."""
    if isinstance(kept, dict) and isinstance(found, dict):
        return all(name in found and _grown(value, found[name]) for name, value in kept.items())
    if isinstance(kept, list | tuple) and isinstance(found, list | tuple):
        return len(kept) == len(found) and all(map(_grown, kept, found))
    return bool(kept == found)
