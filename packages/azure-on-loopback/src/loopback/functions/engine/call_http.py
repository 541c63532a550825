"""`context.call_http`: the request is made here, as an activity; a 202 is polled until it is something else.

Azure's host polls with durable timers. Their numbers are unknown to the Python SDK, which breaks the orchestrator
(azure-functions-durable-python #380); so this host polls inside of the activity.
"""

import asyncio
import json
from typing import Any
from urllib.parse import urljoin

import aiohttp

POLL_SECONDS = 30.0
"""Between polls, when the answer names no Retry-After."""


async def call_http(given: str) -> str:
    """`given` is the action's httpRequest as JSON; returns {"statusCode", "headers", "content"} as JSON."""
    asked = json.loads(given)
    if asked.get("tokenSource"):
        raise ValueError("call_http with a token source needs a managed identity, which a laptop does not have")
    headers = asked.get("headers") or {}
    async with aiohttp.ClientSession() as session:
        method, url, body = asked["method"], asked["uri"], asked.get("content")
        while True:
            async with session.request(method, url, data=body, headers=headers) as answer:
                content = await answer.text(errors="replace")
                location = answer.headers.get("Location")
                if answer.status != 202 or location is None:
                    return json.dumps({"statusCode": answer.status, "headers": _headers(answer), "content": content})
                wait = answer.headers.get("Retry-After", "")
                method, url, body = "GET", urljoin(url, location), None
            await asyncio.sleep(float(wait) if wait.isdigit() else POLL_SECONDS)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """A header that came once is a text, one that came more often a list."""
    return {name: values[0] if len(values := answer.headers.getall(name)) == 1 else values for name in answer.headers}
