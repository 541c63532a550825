"""Access keys, as Azure's host has them: function, host, system and master keys, in the data folder.

Azure enforces them, Core Tools on a laptop does not; so here they count with `--auth` alone.
"""

import hmac
import secrets
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopback.serving import CannotStart

EXTENSIONS = ("durabletask_extension", "eventgrid_extension", "blobs_extension")


Named = dict[str, Annotated[str, Field(min_length=1)]]


class KeyFile(BaseModel):
    """What `keys.json` holds; keys that it lacks are made."""

    model_config = ConfigDict(strict=True)

    master: str = Field(min_length=1, default_factory=lambda: secrets.token_urlsafe(32))
    host: Named = Field(default_factory=dict)
    system: Named = Field(default_factory=dict)
    functions: dict[str, Named] = Field(default_factory=dict)

    def complete(self, functions: list[str]) -> None:
        """A key for everything that has none."""
        self.host.setdefault("default", secrets.token_urlsafe(32))
        for extension in EXTENSIONS:
            self.system.setdefault(extension, secrets.token_urlsafe(32))
        for name in functions:
            self.functions.setdefault(name, {}).setdefault("default", secrets.token_urlsafe(32))


class Keys:
    """Reads `keys.json` of the data folder, or makes it; `enforced` False lets everybody in."""

    def __init__(self, folder: Path, functions: list[str], *, enforced: bool) -> None:
        self.enforced = enforced
        path = folder / "keys.json"
        self._keys = _read(path) if enforced else KeyFile()
        if enforced:
            self._keys.complete(functions)
            path.touch(mode=0o600)
            path.write_text(self._keys.model_dump_json(indent=2), encoding="utf-8")

    def system(self, extension: str) -> str:
        """The key of an extension's webhook; empty when keys are not enforced."""
        return self._keys.system[extension] if self.enforced else ""

    def check_function(self, request: web.Request, name: str, level: str) -> None:
        """Raises 401 when the caller may not call the function `name` of an authorization level."""
        if level == "anonymous":
            return
        own = [*self._keys.functions.get(name, {}).values(), *self._keys.host.values()]
        self._check(request, *(own if level == "function" else []))

    def check_system(self, request: web.Request, extension: str) -> None:
        """Raises 401 when the caller may not use an extension's webhook."""
        self._check(request, self.system(extension))

    def check_master(self, request: web.Request) -> None:
        """Raises 401 when the caller may not administer the host."""
        self._check(request)

    def _check(self, request: web.Request, *good: str) -> None:
        if not self.enforced:
            return
        given = (request.headers.get("x-functions-key") or request.query.get("code", "")).encode()
        if not any(hmac.compare_digest(given, each.encode()) for each in (self._keys.master, *good)):
            raise web.HTTPUnauthorized(text="")


def _read(path: Path) -> KeyFile:
    try:
        return KeyFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return KeyFile()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        problem = f"{where}: {first['msg']}" if where else first["msg"]
        raise CannotStart(f"the key file {str(path)!r} can't be used: {problem}; delete it for new keys") from error
