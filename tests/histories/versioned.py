"""A workflow that has changed since version 0.9: a run that began before goes on as it began.

No version of the app is released yet, so this workflow alone proves how versions work. `0.9/greet/greeted.json` was
recorded when `greet` had one step. The file is never recorded again; today's code replays it because it branches on the
version of the run. It calls the SDK itself, so that the file does not depend on what this app adds to a step.
"""

from collections.abc import Generator
from typing import Any

from murmuration.durable.context import Context, workflow_version

OLD_VERSION = "0.9"


def greet(context: Context) -> Generator[Any, Any, str]:
    request: Any = context.get_input()
    name = request["name"]
    if workflow_version(context) != OLD_VERSION:
        name = yield context.call_activity("add_title", name)
    greeting: str = yield context.call_activity("compose_greeting", name)
    return greeting
