"""Calls of the SDK's client, through the app's function `use_client`."""

from typing import Any

from loopback.functions.testing import DurableHost

LINKS = {
    "id",
    "statusQueryGetUri",
    "sendEventPostUri",
    "terminatePostUri",
    "rewindPostUri",
    "purgeHistoryDeleteUri",
    "restartPostUri",
    "suspendPostUri",
    "resumePostUri",
}


def call_client(host: DurableHost, method: str, **arguments: Any) -> Any:
    """Call a method; return its result or its error."""
    answer = host.call("POST", f"/api/client/{method}", arguments)
    assert answer.status == 200, answer
    return answer.json


def result(host: DurableHost, method: str, **arguments: Any) -> Any:
    body = call_client(host, method, **arguments)
    assert "error" not in body, body
    return body["result"]


def problem(host: DurableHost, method: str, **arguments: Any) -> str:
    body = call_client(host, method, **arguments)
    assert "error" in body, body
    return str(body["error"])


def start(host: DurableHost, name: str, value: Any = None, **more: Any) -> str:
    return str(result(host, "start_new", orchestration_function_name=name, client_input=value, **more))


def waiting(host: DurableHost) -> str:
    """Start a run that waits for an event; return its id."""
    instance = host.start("waits")
    host.wait_for_custom_status(instance, "waiting")
    return instance
