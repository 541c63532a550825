"""Structured logs: one JSON object a line, with the run's id. Never a prompt, passage, answer or key."""

import json
import logging
from contextvars import ContextVar

_log = logging.getLogger("murmuration")
_log.setLevel(logging.INFO)
for library in ("azure.core.pipeline.policies.http_logging_policy", "httpx2"):
    # They tell of every request, with all its headers; what a step did, and what failed, is told below.
    logging.getLogger(library).setLevel(logging.WARNING)

current_run: ContextVar[str] = ContextVar("current_run", default="")
"""The instance id of the run that this task of the event loop works for."""


def log(event: str, *, level: int = logging.INFO, **facts: str | float | bool | None) -> None:
    """Write `event` with its facts: names, counts, durations and codes."""
    line = {"event": event, "run": current_run.get() or None, **facts}
    _log.log(level, json.dumps({name: value for name, value in line.items() if value is not None}))
