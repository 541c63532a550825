"""A WSGI app, as wsgiref would serve it."""

import json
from typing import Any
from wsgiref.util import request_uri

import azure.functions as func


def web(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    if environ["PATH_INFO"] == "/raises":
        raise RuntimeError("in the web app")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    facts = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "uri": request_uri(environ),
        "kind": environ.get("CONTENT_TYPE"),
        "own": environ.get("HTTP_X_OWN"),
        "body": body.decode("latin-1"),
    }
    status = "404 Not Found" if environ["PATH_INFO"].startswith("/missing") else "200 OK"
    headers = [("Content-Type", "application/json"), ("X-Own", "wsgi"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    start_response(status, headers)
    return [json.dumps(facts).encode()]


app = func.WsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
