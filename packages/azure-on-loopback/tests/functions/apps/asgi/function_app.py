"""An ASGI app with a lifespan, written by hand."""

import json
import os
from pathlib import Path
from typing import Any

import azure.functions as func

starts: list[str] = []


async def web(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _run_lifespan(scope, receive, send)
        return
    body = (await receive())["body"]
    if scope["path"] == "/raises":
        raise RuntimeError("in the web app")
    status = 404 if scope["path"].startswith("/missing") else 200
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "agent": dict(scope["headers"]).get(b"user-agent", b"").decode(),
        "body": body.decode("latin-1"),
        "starts": starts,
        "state": (scope.get("state") or {}).get("word"),
        "function": scope["azure_functions.function_name"],
    }
    headers = [(b"content-type", b"application/json"), (b"x-own", b"asgi"), (b"set-cookie", b"a=1")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"set-cookie", b"b=2")]})
    text = json.dumps(facts).encode()
    await send({"type": "http.response.body", "body": text[:5], "more_body": True})
    await send({"type": "http.response.body", "body": text[5:], "more_body": False})


async def _run_lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while True:
        match (await receive())["type"]:
            case "lifespan.startup":
                starts.append("up")
                scope["state"]["word"] = "kept"
                await send({"type": "lifespan.startup.complete"})
            case _:
                Path(os.environ.get("NOTES", os.devnull)).write_text("down", encoding="utf-8")
                await send({"type": "lifespan.shutdown.complete"})
                return


app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
