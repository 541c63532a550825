"""Access keys, as Azure's host has them: function, host, system and master keys, in the data folder.

Azure enforces them and Core Tools on a laptop do not, so this host enforces them only with `--auth`.
"""

import hmac
import secrets
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopback.serving import CannotStart

EXTENSIONS = ("durabletask_extension", "eventgrid_extension", "blobs_extension")

KeysByName = dict[str, Annotated[str, Field(min_length=1)]]


class KeyFile(BaseModel):
    """The content of `keys.json`."""

    model_config = ConfigDict(strict=True)

    master: str = Field(min_length=1, default_factory=lambda: secrets.token_urlsafe(32))
    host: KeysByName = Field(default_factory=dict)
    system: KeysByName = Field(default_factory=dict)
    functions: dict[str, KeysByName] = Field(default_factory=dict)

    def complete(self, functions: list[str]) -> None:
        """Make a key for everything that has none."""
        self.host.setdefault("default", secrets.token_urlsafe(32))
        for extension in EXTENSIONS:
            self.system.setdefault(extension, secrets.token_urlsafe(32))
        for name in functions:
            self.functions.setdefault(name, {}).setdefault("default", secrets.token_urlsafe(32))


class Keys:
    """The keys of a host; with `enforced` False all callers are let in."""

    def __init__(self, folder: Path, functions: list[str], *, enforced: bool) -> None:
        """Read `keys.json` of the data folder, and add keys that it lacks; raises `CannotStart`."""
        self.enforced = enforced
        path = folder / "keys.json"
        self._keys = _read(path) if enforced else KeyFile()
        if enforced:
            self._keys.complete(functions)
            path.touch(mode=0o600)
            path.write_text(self._keys.model_dump_json(indent=2), encoding="utf-8")

    def system(self, extension: str) -> str:
        """Return the key of an extension's webhook; empty if keys are not enforced."""
        return self._keys.system[extension] if self.enforced else ""

    def check_function(self, request: web.Request, name: str, level: str) -> None:
        """Raise 401 unless the caller may call the function `name`, which has this authorization level."""
        if level == "anonymous":
            return
        own = [*self._keys.functions.get(name, {}).values(), *self._keys.host.values()]
        self._check(request, *(own if level == "function" else []))

    def check_system(self, request: web.Request, extension: str) -> None:
        """Raise 401 unless the caller may use an extension's webhook."""
        self._check(request, self.system(extension))

    def check_master(self, request: web.Request) -> None:
        """Raise 401 unless the caller may administer the host."""
        self._check(request)

    def _check(self, request: web.Request, *accepted: str) -> None:
        if not self.enforced:
            return
        key = (request.headers.get("x-functions-key") or request.query.get("code", "")).encode()
        if not any(hmac.compare_digest(key, other.encode()) for other in (self._keys.master, *accepted)):
            raise web.HTTPUnauthorized(text="")


def _read(path: Path) -> KeyFile:
    try:
        return KeyFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return KeyFile()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        problem = f"{field}: {first['msg']}" if field else first["msg"]
        raise CannotStart(f"the key file {str(path)!r} can't be used: {problem}; delete it for new keys") from error
