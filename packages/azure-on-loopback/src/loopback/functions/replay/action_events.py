"""What an action asks for, as the fields of the event that records it."""

import json
import uuid
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Action


def of_http(action: Action) -> dict[str, Any]:
    return {"Version": "", "Input": json.dumps([json.dumps(action["httpRequest"])])}


def of_activity(action: Action) -> dict[str, Any]:
    return {"Version": "", "Input": json.dumps([action.get("input")])}


def of_sub(action: Action) -> dict[str, Any]:
    given = json.dumps(action["input"])  # a text that holds JSON, as the extension passes it on
    return {"Input": given, "InstanceId": action.get("instanceId"), "Version": action.get("version")}


def of_entity(action: Action, instance: str) -> dict[str, Any]:
    asked = {"op": action["operation"], "id": str(uuid.uuid4()), "parent": instance}
    asked |= {"signal": True} if action["actionType"] == wire.SIGNAL_ENTITY else {}
    asked |= {"input": json.dumps(action["input"])} if action.get("input") is not None else {}
    return {"InstanceId": action["instanceId"], "Input": json.dumps(asked)}
