"""The three servers as child processes, and the settings by which the app finds them.

What the person has set, in the environment or in local.settings.json, is theirs: a server they bring is not started.
"""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from loopback.serving import HOST, STDIN_WATCH, CannotStart, free_port, writable_folder

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
SEARCH_KEY = "local"
SKILLS = "murmuration.offline.skills"
"""The module by which the offline model acts our agents."""
LAST_LINES = 5
EMBEDDING_MODEL = "local-hash"
VECTOR_WEIGHTS = {EMBEDDING_MODEL: "0.01", "all-minilm-l6-v2": "1"}
"""Of the model service's embeddings, as measured: docs/benchmarks.md."""


@dataclass
class Server:
    """A child process: what it is called, where it answers, and the last it said."""

    name: str
    arguments: list[str]
    health: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """The setting behind an option of the command: errors name the setting, which is what a person can change."""
    process: asyncio.subprocess.Process | None = None
    said: list[str] = field(default_factory=list)

    async def start(self, environment: Mapping[str, str], *, verbose: bool) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.arguments,
            cwd=ROOT,
            env={**environment, STDIN_WATCH: "1"},
            stdin=subprocess.PIPE,  # closes with this process, however it ends: then the child stops, too
            stderr=subprocess.PIPE,
        )
        asyncio.get_running_loop().create_task(self._listen(verbose=verbose))

    async def _listen(self, *, verbose: bool) -> None:
        assert self.process is not None  # noqa: S101 - called by start
        assert self.process.stderr is not None  # noqa: S101
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            self.said = [*self.said, text][-LAST_LINES:]
            if verbose:
                print(text, file=sys.stderr, flush=True)  # noqa: T201

    async def healthy(self, session: aiohttp.ClientSession) -> None:
        """Wait until it answers; raises `CannotStart` with its own last words when it ends instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while loop.time() < deadline:
            if self.process is not None and self.process.returncode is not None:
                await asyncio.sleep(0.05)  # its last words are on their way
                raise CannotStart(self._last_words() if self.said else f"the {self.name} ended at once")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(self.health, timeout=aiohttp.ClientTimeout(total=1)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.03)
        raise CannotStart(f"the {self.name} did not answer at {self.health} within {START_SECONDS:.0f} s")

    def _last_words(self) -> str:
        words = self.said[-1]
        for option, setting in self.settings.items():
            words = words.replace(option, setting)
        return words

    async def stop(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@dataclass(frozen=True)
class Cloud:
    """A cloud that is up."""

    app_url: str
    servers: tuple[Server, ...]
    theirs: tuple[str, ...]
    """What the person brings: names of settings."""

    async def first_to_end(self) -> Server:
        """Wait until one of the servers ends by itself."""
        waits = {asyncio.create_task(server.process.wait()): server for server in self.servers if server.process}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return waits[done.pop()]


@dataclass(frozen=True)
class Ports:
    """0 takes a free one."""

    app: int = 0
    search: int = 0
    model: int = 0


@contextlib.asynccontextmanager
async def cloud(data: Path, ports: Ports, *, verbose: bool = False) -> AsyncIterator[Cloud]:
    """Start everything, with its state below `data`; stop it on leaving. Raises `CannotStart`."""
    writable_folder(data)
    given = their_settings()
    app, search, model = (port or free_port() for port in (ports.app, ports.search, ports.model))
    servers = []
    if "AZURE_SEARCH_ENDPOINT" not in given:
        arguments = ["loopback", "search", "--port", str(search), "--data", str(data / "search"), "--key", SEARCH_KEY]
        servers.append(Server("search service", arguments, f"http://{HOST}:{search}/healthz"))
    if "MODEL_BASE_URL" not in given:
        model_url = f"http://{HOST}:{model}"
        arguments = ["loopback", "model", "--port", str(model), "--skills", SKILLS]
        if "EMBEDDING_BASE_URL" not in given:
            arguments += ["--embeddings", given.get("EMBEDDING_MODEL", EMBEDDING_MODEL)]
        settings = {"--embeddings": "EMBEDDING_MODEL"}
        servers.append(Server("model service", arguments, f"{model_url}/healthz", settings))
    own = {
        **local_settings(given, data, search, model),
        "APPROVAL_SECRET": approval_secret(data),
        "PUBLIC_URL": f"http://{HOST}:{app}",
    }
    environment = {**os.environ, **own, **given}
    arguments = ["loopback", "functions", "--app", str(ROOT), "--port", str(app), "--data", str(data / "functions")]
    if verbose:
        arguments.append("--verbose")
    host = Server("functions host", arguments, f"http://{HOST}:{app}/admin/host/status")
    everything = [*servers, host]
    try:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(each.start(environment, verbose=verbose) for each in everything))
            await asyncio.gather(*(server.healthy(session) for server in servers))
            await asyncio.gather(_migrate(environment), host.healthy(session))
        theirs = tuple(name for name in ("AZURE_SEARCH_ENDPOINT", "MODEL_BASE_URL") if name in given)
        yield Cloud(f"http://{HOST}:{app}", tuple(everything), theirs)
    finally:
        await asyncio.gather(*(each.stop() for each in everything))


async def _migrate(environment: Mapping[str, str]) -> None:
    """The app's own command makes its indexes, as a deployment does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "murmuration.services.search",
        "migrate",
        cwd=ROOT,
        env=dict(environment),
        stderr=subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        raise CannotStart(said.decode(errors="replace").strip().splitlines()[-1])


def their_settings() -> dict[str, str]:
    """What the person has set: local.settings.json, and the environment, which wins."""
    path = ROOT / "local.settings.json"
    values: dict[str, str] = {}
    if path.exists():
        try:
            values = {name: str(value) for name, value in json.loads(path.read_text("utf-8-sig"))["Values"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CannotStart(f"{str(path)!r} holds no JSON object with Values: {error}") from error
    return {**values, **{name: value for name, value in os.environ.items() if name in SETTINGS or name in values}}


SETTINGS = {
    "AZURE_SEARCH_ENDPOINT",
    "AZURE_SEARCH_API_KEY",
    "SEARCH_VECTOR_WEIGHT",
    "SEARCH_SEMANTIC_RANKER",
    "MEMORY_HALF_LIFE_DAYS",
    "MODEL_BASE_URL",
    "MODEL_API_KEY",
    "MODEL_API",
    "MODEL_STANDARD",
    "MODEL_FAST",
    "MODEL_REASONING",
    "MODEL_PRICES",
    "EMBEDDING_BASE_URL",
    "EMBEDDING_API_KEY",
    "EMBEDDING_MODEL",
    "EMBEDDING_DIMENSIONS",
    "ARTIFACTS_URL",
    "KEY_VAULT_URL",
    "TENANT",
    "RATE_LIMIT_PER_MINUTE",
    "RATE_LIMIT_BURST",
    "MAX_ACTIVE_RUNS",
    "APPROVAL_SECRET",
    "PUBLIC_URL",
    "APPROVAL_WEBHOOK_URL",
    "APPROVAL_WEBHOOK_FORMAT",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_SECURITY",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_FROM",
}


def local_settings(given: Mapping[str, str], data: Path, search: int, model: int) -> dict[str, str]:
    """What this cloud offers in place of what was not given."""
    settings = {"ARTIFACTS_URL": (data.resolve() / "artifacts").as_uri()}
    if "AZURE_SEARCH_ENDPOINT" not in given:
        settings |= {"AZURE_SEARCH_ENDPOINT": f"http://{HOST}:{search}", "AZURE_SEARCH_API_KEY": SEARCH_KEY}
    if "MODEL_BASE_URL" not in given:
        embeddings = given.get("EMBEDDING_MODEL", EMBEDDING_MODEL)
        settings |= {
            "MODEL_BASE_URL": f"http://{HOST}:{model}/v1/",
            "MODEL_API_KEY": "local",
            "MODEL_STANDARD": "offline",
            "EMBEDDING_MODEL": embeddings,
            "EMBEDDING_DIMENSIONS": "384",
        }
        if embeddings in VECTOR_WEIGHTS:
            settings["SEARCH_VECTOR_WEIGHT"] = VECTOR_WEIGHTS[embeddings]
    return settings


def approval_secret(data: Path) -> str:
    """EmbeddingModel once and kept, so that the links in mails outlive a restart; raises `CannotStart`."""
    path = data / "approval-secret"
    try:
        path.touch(mode=0o600)
        if not path.read_text(encoding="utf-8"):
            path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"the secret in {str(path)!r} can't be kept: {error.strerror}") from error


async def model_app() -> web.Application:
    """The local model service with the skills of our agents, to be served in this process."""
    from loopback.model.routes import make_app
    from loopback.model.skills import load_skills

    return await make_app(skills=load_skills(SKILLS))
