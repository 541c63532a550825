"""Instances and histories as the management API shows them."""

import json
from collections.abc import Sequence
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.storage.store import Instance

BEGIN = (wire.TASK_SCHEDULED, wire.SUB_CREATED)
END = (wire.TASK_COMPLETED, wire.TASK_FAILED, wire.SUB_COMPLETED, wire.SUB_FAILED)
HIDDEN = (wire.ORCHESTRATOR_STARTED, wire.ORCHESTRATOR_COMPLETED)


def status_body(row: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": row.name,
        "instanceId": row.id,
        "runtimeStatus": row.status,
        "input": _value(row.input) if show_input else None,
        "customStatus": _value(row.custom_status),
        "output": _value(row.output),
        "createdTime": row.created[:19] + "Z",
        "lastUpdatedTime": row.updated[:19] + "Z",
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def history_rows(history: Sequence[Event], *, outputs: bool) -> list[dict[str, Any]]:
    """Return the events for people: the beginning and the end of a task in one row, without bookkeeping."""
    begun = {event["EventId"]: event for event in history if event["EventType"] in BEGIN}
    ended = {event["TaskScheduledId"] for event in history if event["EventType"] in END}
    return [
        _row(event, begun, outputs=outputs)
        for event in history
        if event["EventType"] not in HIDDEN and not (event["EventType"] in BEGIN and event["EventId"] in ended)
    ]


def _row(event: Event, begun: dict[int, Event], *, outputs: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"EventType": wire.EVENT_NAMES[event["EventType"]], "Timestamp": event["Timestamp"]}
    name_field = "FunctionName" if event["EventType"] == wire.EXECUTION_STARTED else "Name"
    for field, source in (
        (name_field, "Name"),
        *((name, name) for name in ("FireAt", "Reason", "Details", "OrchestrationStatus")),
    ):
        if event.get(source) is not None:
            row[field] = event[source]
    if event["EventType"] in (wire.SUB_CREATED, wire.EVENT_SENT):
        row["InstanceId"] = event["InstanceId"]
    if "TaskScheduledId" in event:
        beginning = begun[event["TaskScheduledId"]]
        row |= {"FunctionName": beginning["Name"], "ScheduledTime": beginning["Timestamp"]}
    if outputs and event.get("Result") is not None:
        row["Result"] = _value(event["Result"])
    return row
