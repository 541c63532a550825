"""Structured logs: one JSON object a line, with the run's id; never a prompt, passage, answer or key."""

import json
import logging
from contextvars import ContextVar

_log = logging.getLogger("murmuration")
_log.setLevel(logging.INFO)
# These libraries log every request with all its headers; the step's own log line says what was done and what failed.
for library in ("azure.core.pipeline.policies.http_logging_policy", "httpx2"):
    logging.getLogger(library).setLevel(logging.WARNING)

current_run: ContextVar[str] = ContextVar("current_run", default="")
"""The instance id of the run that this task of the event loop works for."""


def log(event: str, *, level: int = logging.INFO, **facts: str | float | bool | None) -> None:
    """Write `event` with its facts: names, counts, durations and codes. Facts that are None are left out."""
    line = {"event": event, "run": current_run.get() or None, **facts}
    _log.log(level, json.dumps({name: value for name, value in line.items() if value is not None}))
