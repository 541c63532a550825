"""Monitor: check a condition with growing pauses, until it holds or the deadline has passed."""

import json
import os
import re
import tempfile
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

MAX_PAUSE_SECONDS = 60
MAX_DEADLINE_SECONDS = 3600
"""With pauses of up to a minute, an hour is some 70 checks: a short history, so one loop is enough.

A monitor that runs longer continues as new, as the app `eternal_loop` does.
"""
FOLDER = Path(os.environ.get("MONITOR_FOLDER") or Path(tempfile.gettempdir()) / "monitor-example")
"""The folder in which a finished job leaves a file. All workers of the app must see the same folder."""
JOB_NAME = re.compile(r"[a-z0-9-]{1,40}")

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="monitor", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start watching for the end of `job`."""
    try:
        watch = read_watch(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("watch_job", client_input=watch)
    return client.create_check_status_response(req, instance)


@app.route(route="jobs/{job}/finish", methods=["POST"])
def finish(req: func.HttpRequest) -> func.HttpResponse:
    """Mark a job as finished. A real job would do that itself."""
    job = req.route_params["job"]
    if not JOB_NAME.fullmatch(job):
        return func.HttpResponse(str(bad_field({"job": job}, "job", JOB_WANTED)), status_code=400)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / job).touch()
    return func.HttpResponse(status_code=204)


@app.orchestration_trigger(context_name="context")
def watch_job(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Check, pause, check …; each pause is twice as long as the one before it. The last check is at the deadline."""
    watch: Any = context.get_input()
    deadline = context.current_utc_datetime + timedelta(seconds=watch["deadline_seconds"])
    pause = watch["first_pause_seconds"]
    checks = 0
    while True:
        finished = yield context.call_activity("has_finished", watch["job"])
        checks += 1
        if finished or context.current_utc_datetime >= deadline:
            return {"job": watch["job"], "state": "finished" if finished else "gave_up", "checks": checks}
        next_check = min(context.current_utc_datetime + timedelta(seconds=pause), deadline)
        context.set_custom_status({"state": "waiting", "checks": checks, "next_check": next_check.isoformat()})
        yield context.create_timer(next_check)
        pause = min(pause * 2, MAX_PAUSE_SECONDS)


@app.activity_trigger(input_name="job")
def has_finished(job: str) -> bool:
    """Look for the job's file. An orchestrator can't do that, because it is replayed."""
    return (FOLDER / job).exists()


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


JOB_WANTED = "1 to 40 characters of a-z, 0-9 and -"
"""A job's name becomes a file's name, so it may hold no dots and slashes."""


def read_watch(req: func.HttpRequest) -> dict[str, Any]:
    """Return the orchestrator's input: `job`, `deadline_seconds`, `first_pause_seconds`."""
    body = read_object(req)
    job = body.get("job")
    if not isinstance(job, str) or not JOB_NAME.fullmatch(job):
        raise bad_field(body, "job", JOB_WANTED)
    return {
        "job": job,
        "deadline_seconds": read_number(body, "deadline_seconds", 300, 0.1, MAX_DEADLINE_SECONDS),
        "first_pause_seconds": read_number(body, "first_pause_seconds", 1, 0.1, MAX_PAUSE_SECONDS),
    }


def read_number(body: dict[str, Any], field: str, default: float, smallest: float, largest: float) -> float:
    """Return the body's `field`, or the default if it is missing. JSON's true and false are no numbers."""
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not smallest <= value <= largest:
        raise bad_field(body, field, f"a number from {smallest} to {largest}")
    return float(value)


def read_object(req: func.HttpRequest) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        body = req.get_json()
    except ValueError:
        body = req.get_body().decode(errors="replace")
    if not isinstance(body, dict):
        raise BadInput(f"The body must be a JSON object, but it is {quoted(body)}.")
    return body


def bad_field(body: dict[str, Any], field: str, wanted: str) -> BadInput:
    """Make the error for a field: one sentence that names and quotes it."""
    value = quoted(body[field]) if field in body else "missing"
    return BadInput(f'The field "{field}" must be {wanted}, but it is {value}.')


def quoted(value: Any) -> str:
    """Return the value as JSON, cut where it gets long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
