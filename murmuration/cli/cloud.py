"""The servers on loopback that an app needs, started together.

Settings of the person, in the environment or in local.settings.json, win: a server that they bring is not started.
"""

import asyncio
import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loopback.serving import HOST, CannotStart, free_port, writable_folder
from murmuration.cli.app_folder import LIBRARY_ROOT
from murmuration.cli.local_settings import EMBEDDING_MODEL, SEARCH_KEY, SKILLS, approval_secret, local_settings
from murmuration.cli.server import Server

BROUGHT_SERVERS = ("AZURE_SEARCH_ENDPOINT", "MODEL_BASE_URL")
"""Settings that name a server which then is not started here."""


@dataclass(frozen=True)
class Cloud:
    """The running servers."""

    app_url: str
    servers: tuple[Server, ...]
    brought: tuple[str, ...]
    """Settings by which the person brings servers of their own."""

    async def wait_for_an_end(self) -> Server:
        """Wait until one of the servers ends by itself, and return it."""
        waits = {asyncio.create_task(server.process.wait()): server for server in self.servers if server.process}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return waits[done.pop()]


@dataclass(frozen=True)
class Ports:
    """Ports of the servers; 0 takes a free one."""

    app: int = 0
    search: int = 0
    model: int = 0


def check_ports(ports: Ports, given: Collection[str]) -> None:
    """Raise `CannotStart` for the first port in use among those of the servers that would be started."""
    needed = {"--port": ports.app}
    if "AZURE_SEARCH_ENDPOINT" not in given:
        needed["--search-port"] = ports.search
    if "MODEL_BASE_URL" not in given:
        needed["--model-port"] = ports.model
    for option, port in needed.items():
        try:
            with socket.create_server((HOST, port)):
                pass
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
            raise CannotStart(f"port {port} {reason}: choose another with {option}") from error


@contextlib.asynccontextmanager
async def cloud(app: Path, data: Path, ports: Ports, *, verbose: bool = False) -> AsyncIterator[Cloud]:
    """Start the app in the folder `app` and its servers, their state below `data`; stop them on leaving.

    Raises `CannotStart`.
    """
    writable_folder(data)
    given = given_settings(app)
    port, search_port, model_port = (port or free_port() for port in (ports.app, ports.search, ports.model))
    own = {
        **local_settings(given, data, search_port, model_port),
        "APPROVAL_SECRET": approval_secret(data),
        "PUBLIC_URL": f"http://{HOST}:{port}",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }
    environment = {**os.environ, **own, **given}
    services = _services(given, data, search_port, model_port)
    arguments = ["loopback", "functions", "--app", str(app), "--port", str(port), "--data", str(data / "functions")]
    host = Server("functions host", arguments + ["--verbose"] * verbose, f"http://{HOST}:{port}/admin/host/status")
    servers = (*services, host)
    try:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(server.start(environment, verbose=verbose) for server in servers))
            await asyncio.gather(*(service.wait_until_healthy(session) for service in services))
            await asyncio.gather(_migrate(environment), host.wait_until_healthy(session))
        brought = tuple(name for name in BROUGHT_SERVERS if name in given)
        yield Cloud(f"http://{HOST}:{port}", servers, brought)
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


def _services(given: Mapping[str, str], data: Path, search_port: int, model_port: int) -> list[Server]:
    services = []
    if "AZURE_SEARCH_ENDPOINT" not in given:
        options = ["--port", str(search_port), "--data", str(data / "search"), "--key", SEARCH_KEY]
        health_url = f"http://{HOST}:{search_port}/healthz"
        services.append(Server("search service", ["loopback", "search", *options], health_url))
    if "MODEL_BASE_URL" not in given:
        options = ["--port", str(model_port), "--skills", SKILLS]
        if "EMBEDDING_BASE_URL" not in given:
            options += ["--embeddings", given.get("EMBEDDING_MODEL", EMBEDDING_MODEL)]
        health_url = f"http://{HOST}:{model_port}/healthz"
        setting_of = {"--embeddings": "EMBEDDING_MODEL"}
        services.append(Server("model service", ["loopback", "model", *options], health_url, setting_of))
    return services


async def _migrate(environment: Mapping[str, str]) -> None:
    """Make the app's indexes with its own command, as a deployment does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "murmuration.services.search",
        "migrate",
        cwd=LIBRARY_ROOT,
        env=dict(environment),
        stderr=subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    if process.returncode:
        raise CannotStart(stderr.decode(errors="replace").strip().splitlines()[-1])


def given_settings(app: Path) -> dict[str, str]:
    """Return the variables in the app's local.settings.json and in the environment, which wins.

    An empty one counts as not set.
    """
    path = app / "local.settings.json"
    values: dict[str, str] = {}
    if path.exists():
        try:
            values = {name: str(value) for name, value in json.loads(path.read_text("utf-8-sig"))["Values"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CannotStart(f"{str(path)!r} holds no JSON object with Values: {error}") from error
    return {name: value for variables in (values, os.environ) for name, value in variables.items() if value}
