"""Start and watch runs through the Durable client, for the caller's tenant only."""

import asyncio
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from murmuration.contracts.runs import RunInput
from murmuration.durable.versions import version_of
from murmuration.http.problems import HttpProblem, quote
from murmuration.policy.tenancy import owns

FIRST_LOOK_SECONDS = 0.05
MAX_LOOK_SECONDS = 1.0
STATUS_NAMES = {
    "Pending": "pending",
    "Running": "running",
    "ContinuedAsNew": "running",
    "Suspended": "suspended",
    "Completed": "completed",
    "Failed": "failed",
    "Terminated": "terminated",
    "Canceled": "terminated",
}
OVER = ("completed", "failed", "terminated")


async def status_of(client: df.DurableOrchestrationClient, run: str) -> DurableOrchestrationStatus | None:
    """Read Durable's status of a run, with its input; None when there is no run of this id."""
    status = await client.get_status(run, show_input=True)
    return status if status is not None and status.runtime_status is not None else None


async def find(
    client: df.DurableOrchestrationClient, tenant: str, run: str, orchestrator: str | None = None
) -> DurableOrchestrationStatus:
    """Read the status of the tenant's run; with `orchestrator`, of a run of that workflow.

    Raises `HttpProblem` 404 for any other run: another tenant's is answered like one that does not exist.
    """
    status = await status_of(client, run) if owns(tenant, run) else None
    if status is None or (orchestrator is not None and status.name != orchestrator):
        raise HttpProblem(404, "Not found", f"there is no run {quote(run)}")
    return status


@cache
def default_version() -> str:
    """Read `defaultVersion` from host.json: Functions workers run in the app's folder. Empty when it has none."""
    path = Path("host.json")
    host = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return str(host.get("extensions", {}).get("durableTask", {}).get("defaultVersion", ""))


async def start(
    client: df.DurableOrchestrationClient,
    orchestrator: str,
    run: str,
    run_input: RunInput,
    ours: tuple[str, ...] = (),
) -> bool:
    """Start the run, as the workflow's current version, unless it exists; returns whether it was started.

    Raises `HttpProblem` 422 when it exists and was started with something else. The fields `ours`, and the version, are
    not compared: they come from the app, which may have changed since.
    """
    version = version_of(orchestrator) or default_version()
    value = {**run_input.model_dump(mode="json"), "workflow_version": version}
    status = await status_of(client, run)
    if status is None:
        await client.start_new(orchestrator, run, value, version=version or None)
        return True
    same = dict.fromkeys((*ours, "workflow_version"))
    if {**as_json(status.input_), **same} != {**value, **same}:
        detail = "this Idempotency-Key was used for another request: use a new key, or send the same request"
        raise HttpProblem(422, "Idempotency-Key reused", detail)
    return False


async def ended(client: df.DurableOrchestrationClient, run: str, seconds: int) -> DurableOrchestrationStatus | None:
    """Wait for the run's end; None when it has not ended after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = FIRST_LOOK_SECONDS
    while time.monotonic() < deadline:
        status = await status_of(client, run)
        if status is not None and state(status) in OVER:
            return status
        await asyncio.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, MAX_LOOK_SECONDS)
    return None


def state(status: DurableOrchestrationStatus) -> str:
    """Return `pending`, `running`, `suspended`, `completed`, `failed` or `terminated`."""
    name = status.runtime_status.name if status.runtime_status else "Pending"
    return STATUS_NAMES[name]


def output_of(status: DurableOrchestrationStatus) -> Any:
    """Read the result of a run that has ended; raises `HttpProblem` 500 when it broke or was terminated."""
    if state(status) != "completed":
        detail = f"run {quote(status.instance_id)} ended as {state(status)}"
        raise HttpProblem(500, "The run broke", detail)
    return as_json(status.output)


def facts(status: DurableOrchestrationStatus) -> dict[str, Any]:
    """Describe a run. The reason why it broke stays in the logs: its text may hold content."""
    broke = state(status) in ("failed", "terminated")
    return {
        "created": status.created_time.isoformat() if status.created_time else None,
        "updated": status.last_updated_time.isoformat() if status.last_updated_time else None,
        "error": {"code": f"run_{state(status)}", "message": "see the logs of this run"} if broke else None,
    }


def as_json(value: Any) -> Any:
    """Decode a value from Durable, which returns it as it was sent or, depending on the sender, as JSON text."""
    while isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def accepted(
    client: df.DurableOrchestrationClient, request: func.HttpRequest, run: str, kind: str
) -> func.HttpResponse:
    """Make a 202 with Durable's status URLs, and with the app's own as `kind`."""
    links = client.get_client_response_links(request, run)
    own = f"{request.url.split('?')[0].rstrip('/')}/{run}"
    headers = {"Location": own, "Retry-After": "1"}
    body = json.dumps({"id": run, kind: own, **links})
    return func.HttpResponse(body, status_code=202, mimetype="application/json", headers=headers)


def ok(body: Any) -> func.HttpResponse:
    """Make a 200 with a JSON body."""
    return func.HttpResponse(json.dumps(body), mimetype="application/json")
