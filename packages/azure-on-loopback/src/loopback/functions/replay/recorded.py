"""Recorded histories: keep one as a fixture, and check that today's code still makes the same decisions.

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
from loopback.functions.replay.decisions import decide
from loopback.functions.replay.schedule_actions import NonDeterminism, UnknownAction


@dataclass(frozen=True)
class Recorded:
    """A run as the host has it. `input` is JSON; `events` are those of `GET /admin/instances/{id}/history`."""

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
    """Describe what the orchestrator behind `handle` would do otherwise; empty if it would do the same.

    Runs the SDK's own engine over each beginning of the history, as the host did, and stops at the first episode that
    differs. Another input of an activity is a difference too, though Azure would not notice it. New fields are none,
    because contracts grow by them.
    """
    history: list[Event] = []
    for number, (arrived, decided) in enumerate(_episodes(recorded.events), start=1):
        history += arrived
        try:
            scheduled, outcome = _replay(handle, recorded, history)
        except (NonDeterminism, UnknownAction, wire.OrchestratorFailed) as problem:
            return [f"episode {number}: {problem}"]
        before = [_summary(event) for event in decided if event["EventType"] in wire.KIND_OF]
        if changes := _changes(before, [_summary(event) for event in scheduled]):
            return [f"episode {number}: {change}" for change in changes]
        recorded_outcome = _outcome(decided)
        if recorded_outcome is not None and not _contains(json.loads(outcome), json.loads(recorded_outcome)):
            return [f"episode {number}: ends with {outcome}, not with {recorded_outcome}"]
        history += decided
    return []


Summary = tuple[str, Any]
"""A decision in words, and its input."""


def _changes(before: Sequence[Summary], now: Sequence[Summary]) -> list[str]:
    if len(before) == len(now) and all(map(_contains, now, before)):
        return []
    missing = [old for old in before if not any(_contains(new, old) for new in now)]
    added = [new for new in now if not any(_contains(new, old) for old in before)]
    changes = [f"not any more: {_line(*old)}" for old in missing] + [f"new: {_line(*new)}" for new in added]
    return changes or [f"in another order: {', '.join(_line(*new) for new in now)}"]


def _episodes(events: Sequence[Event]) -> list[tuple[list[Event], list[Event]]]:
    """Split a history into episodes: the events that arrived, and those that the host decided on then."""
    episodes: list[tuple[list[Event], list[Event]]] = []
    for event in events:
        if event["EventType"] == wire.ORCHESTRATOR_STARTED:
            episodes.append(([], []))
        ends = (wire.ORCHESTRATOR_COMPLETED, wire.EXECUTION_COMPLETED)
        decided = event["EventType"] in wire.KIND_OF or event["EventType"] in ends
        episodes[-1][decided].append(event)
    return [
        (arrived, decided)
        for arrived, decided in episodes
        if all(event["EventType"] != wire.EXECUTION_TERMINATED for event in arrived)
    ]


def _replay(handle: Callable[[str], str], recorded: Recorded, history: list[Event]) -> tuple[list[Event], str]:
    """Return the decisions of today's code after this history, and its output as JSON."""
    body = wire.request(
        wire.sent_history(history), instance=recorded.instance, parent=recorded.parent, input_json=recorded.input
    )
    reply = wire.ask(handle, body)
    now = wire.parse_timestamp(history[-1]["Timestamp"])
    scheduled = decide(history, reply, now, recorded.instance).scheduled
    failed = f"Orchestrator function '{recorded.name}' failed: {reply.error}"
    return scheduled, json.dumps(reply.output if reply.error is None else failed)


def _outcome(decided: Sequence[Event]) -> str | None:
    return next((event["Result"] for event in decided if event["EventType"] == wire.EXECUTION_COMPLETED), None)


def _summary(event: Event) -> Summary:
    """Summarise a decision without what is new each time: times, and the ids of calls."""
    kind = event["EventType"]
    if kind == wire.TIMER_CREATED:
        return f"step {event['EventId']}: timer", None
    value = json.loads(event["Input"])
    title = f"step {event['EventId']}: {wire.describe_decision(event)}"
    if kind == wire.EVENT_SENT:
        return f"{title} {value['op']}", _decode(value.get("input"))
    if kind == wire.TASK_SCHEDULED:
        (value,) = value
    return title, _decode(value)


def _decode(value: Any) -> Any:
    """Decode a JSON text, and texts within it, to the value."""
    while isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def _line(title: str, value: Any) -> str:
    return title if value is None else f"{title} with {json.dumps(value)}"


def _contains(now: Any, before: Any) -> bool:
    """Tell whether `now` equals `before`, but for fields that objects have got since."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(name in now and _contains(now[name], value) for name, value in before.items())
    if isinstance(before, list | tuple) and isinstance(now, list | tuple):
        return len(before) == len(now) and all(map(_contains, now, before))
    return bool(before == now)
