"""A host for tests: in this process, on a free port, with a clean store and a clock that can be moved on.

    with run_host(Path("my_app"), tmp_path) as host:
        run = host.start("approval", {"days": 3})
        host.advance(timedelta(days=3))
        assert host.wait(run)["output"] == "nobody answered"

The fixture `durable_host` of the pytest plugin does the same.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from aiohttp import web

from loopback.functions.apps.loading import LoadedApp
from loopback.functions.clock import MovableClock
from loopback.functions.host import LOADED, Options, make_app
from loopback.functions.management.addresses import WEBHOOKS
from loopback.functions.replay.recorded import Recorded
from loopback.serving import in_thread


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class DurableHost:
    """A client of a host: it speaks HTTP, as any client of Azure's would."""

    def __init__(
        self, url: str, clock: MovableClock, orchestrators: Mapping[str, Callable[[str], str]] | None = None
    ) -> None:
        self.url = url
        self._clock = clock
        self.orchestrators = orchestrators or {}
        """The app's orchestrators in the form that `recorded.differences` takes."""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request. `body` is sent as JSON unless it is bytes; write header names with _ for -."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = Request(self.url + path, data=data, method=method, headers=all_headers)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310
                return Answer(answer.status, dict(answer.headers), answer.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def advance(self, by: timedelta) -> None:
        """Let time pass: timers and schedules that become due fire now."""
        self._clock.advance(by)

    def start(self, name: str, value: Any = None, instance: str = "") -> str:
        """Start an orchestration with the input `value`, over the management API; return its id."""
        path = f"{WEBHOOKS}/orchestrators/{name}" + (f"/{quote(instance, safe='')}" if instance else "")
        answer = self.call("POST", path, value)
        assert answer.status == 202, answer.content  # noqa: S101 - this is for tests
        return str(answer.json["id"])

    def status(self, instance: str) -> dict[str, Any]:
        """Return the status, with the history in its form for people."""
        body: dict[str, Any] = self.call("GET", f"{_path(instance)}?showHistory=true&showHistoryOutput=true").json
        return body

    def wait(self, instance: str, *, seconds: float = 20, until: str = "") -> dict[str, Any]:
        """Return the status as soon as the run has ended, or has the runtime status `until`."""
        deadline, pause = time.monotonic() + seconds, 0.002
        while time.monotonic() < deadline:
            answer = self.call("GET", _path(instance))
            if answer.status == 200 or (answer.status == 202 and answer.json["runtimeStatus"] == until):
                return dict(answer.json)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        raise AssertionError(f"{instance} has not ended: {answer.content!r}")

    def wait_for_custom_status(self, instance: str, expected: Any, *, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while (custom_status := self.call("GET", _path(instance)).json["customStatus"]) != expected:
            assert time.monotonic() < deadline, custom_status  # noqa: S101
            time.sleep(0.01)

    def raise_event(self, instance: str, name: str, value: Any = None) -> int:
        """Raise an external event; return the status code."""
        return self.call("POST", f"{_path(instance)}/raiseEvent/{quote(name, safe='')}", value).status

    def control(self, instance: str, verb: str, reason: str = "") -> int:
        """Terminate, suspend, resume or rewind a run; return the status code."""
        return self.call("POST", f"{_path(instance)}/{verb}?reason={quote(reason)}").status

    def recorded(self, instance: str) -> Recorded:
        """Return the raw history, which can be written to a file and replayed."""
        return Recorded(**self.call("GET", f"/admin/instances/{quote(instance, safe='')}/history").json)

    def signal(self, entity: str, key: str, operation: str, value: Any = None) -> int:
        """Signal an entity as the SDK's client does, which encodes the input twice; return the status code."""
        body = None if value is None else json.dumps(value)
        return self.call("POST", f"{WEBHOOKS}/entities/{entity}/{key}?op={operation}", body).status

    def entity(self, entity: str, key: str) -> Any:
        """Return an entity's state; None if it does not exist."""
        answer = self.call("GET", f"{WEBHOOKS}/entities/{entity}/{key}")
        return answer.json if answer.status == 200 else None


def _path(instance: str) -> str:
    return f"{WEBHOOKS}/instances/{quote(instance, safe='')}"


@contextmanager
def run_host(app: Path, data: Path, *, auth: bool = False) -> Iterator[DurableHost]:
    """Serve the app of a folder, with its state in `data`.

    Meanwhile that folder is this process's working directory and the first that it imports from, as on Azure.
    Afterwards both are as before, and so are the modules that had the names of the app's own.
    """
    clock = MovableClock()
    folder = app.resolve()
    loaded: list[LoadedApp] = []

    async def make() -> web.Application:
        web_app = await make_app(folder, Options(data, auth=auth, clock=clock))
        loaded.append(web_app[LOADED])
        return web_app

    with in_thread(make) as url:
        yield DurableHost(url, clock, loaded[0].orchestrators)
