"""The app's function that uses the SDK's client, as tests call it."""

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


def said(host: DurableHost, method: str, **given: Any) -> Any:
    answer = host.call("POST", f"/api/client/{method}", given)
    assert answer.status == 200, answer
    return answer.json


def result(host: DurableHost, method: str, **given: Any) -> Any:
    found = said(host, method, **given)
    assert "error" not in found, found
    return found["result"]


def problem(host: DurableHost, method: str, **given: Any) -> str:
    found = said(host, method, **given)
    assert "error" in found, found
    return str(found["error"])


def start(host: DurableHost, name: str, given: Any = None, **more: Any) -> str:
    return str(result(host, "start_new", orchestration_function_name=name, client_input=given, **more))


def waiting(host: DurableHost) -> str:
    instance = host.start("waits")
    host.wait_for_custom_status(instance, "waiting")
    return instance
