"""The fields of the event that records an action."""

import json
import uuid
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Action


def http_fields(action: Action) -> dict[str, Any]:
    return {"Version": "", "Input": json.dumps([json.dumps(action["httpRequest"])])}


def activity_fields(action: Action) -> dict[str, Any]:
    return {"Version": "", "Input": json.dumps([action.get("input")])}


def sub_orchestration_fields(action: Action) -> dict[str, Any]:
    # The extension passes the SDK's JSON on as a text, so it is encoded twice.
    return {
        "Input": json.dumps(action["input"]),
        "InstanceId": action.get("instanceId"),
        "Version": action.get("version"),
    }


def entity_fields(action: Action, instance: str) -> dict[str, Any]:
    operation = {"op": action["operation"], "id": str(uuid.uuid4()), "parent": instance}
    if action["actionType"] == wire.SIGNAL_ENTITY:
        operation["signal"] = True
    if action.get("input") is not None:
        operation["input"] = json.dumps(action["input"])
    return {"InstanceId": action["instanceId"], "Input": json.dumps(operation)}
