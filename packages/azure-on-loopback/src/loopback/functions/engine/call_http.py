"""`context.call_http` as an activity: it sends the request, and polls as long as the answer is a 202.

Azure's host polls with durable timers. Their numbers are unknown to the Python SDK, which breaks the orchestrator
(azure-functions-durable-python #380). So this host polls within the activity.
"""

import asyncio
import json
from typing import Any
from urllib.parse import urljoin

import aiohttp

POLL_SECONDS = 30.0
"""The time between polls when the answer has no Retry-After."""


async def call_http(request_json: str) -> str:
    """Take the action's httpRequest as JSON; return {"statusCode", "headers", "content"} as JSON."""
    request = json.loads(request_json)
    if request.get("tokenSource"):
        raise ValueError("call_http with a token source needs a managed identity, which a laptop does not have")
    headers = request.get("headers") or {}
    async with aiohttp.ClientSession() as session:
        method, url, body = request["method"], request["uri"], request.get("content")
        while True:
            async with session.request(method, url, data=body, headers=headers) as answer:
                content = await answer.text(errors="replace")
                location = answer.headers.get("Location")
                if answer.status != 202 or location is None:
                    return json.dumps({"statusCode": answer.status, "headers": _headers(answer), "content": content})
                pause = answer.headers.get("Retry-After", "")
                method, url, body = "GET", urljoin(url, location), None
            await asyncio.sleep(float(pause) if pause.isdigit() else POLL_SECONDS)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return each header's value: a string, or a list if the header is repeated."""
    return {name: values[0] if len(values := answer.headers.getall(name)) == 1 else values for name in answer.headers}
