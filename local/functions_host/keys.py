"""Access keys, as Azure's host has them: function, host, system and master keys, in the data folder.

Azure enforces them, Core Tools on a laptop does not; so here they count with `--auth` alone.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from local.serving import CannotStart

EXTENSIONS = ("durabletask_extension", "eventgrid_extension", "blobs_extension")


class Keys:
    """Reads `keys.json` of the data folder, or makes it; `enforced` False lets everybody in."""

    def __init__(self, folder: Path, functions: list[str], *, enforced: bool) -> None:
        self.enforced = enforced
        self.path = folder / "keys.json"
        self._keys = self._read() if enforced else {}
        if enforced:
            self._complete(functions)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or not all(
                isinstance(found[part], dict) for part in found if part != "master"
            ):
                raise CannotStart(f"the key file {str(self.path)!r} does not hold keys; delete it for new ones")
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CannotStart(f"the key file {str(self.path)!r} is not JSON: {error}") from error
        return found

    def _complete(self, functions: list[str]) -> None:
        """A key for everything that has none."""
        self._keys.setdefault("master", _new())
        self._keys.setdefault("host", {}).setdefault("default", _new())
        for extension in EXTENSIONS:
            self._keys.setdefault("system", {}).setdefault(extension, _new())
        for name in functions:
            self._keys.setdefault("functions", {}).setdefault(name, {}).setdefault("default", _new())
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self._keys, indent=2), encoding="utf-8")

    def system(self, extension: str) -> str:
        """The key of an extension's webhook; empty when keys are not enforced."""
        return str(self._keys["system"][extension]) if self.enforced else ""

    def check_function(self, request: web.Request, name: str, level: str) -> None:
        """Raises 401 when the caller may not call the function `name` of an authorization level."""
        if level == "anonymous":
            return
        own: Mapping[str, str] = self._keys.get("functions", {}).get(name, {})
        host: Mapping[str, str] = self._keys.get("host", {})
        self._check(request, *([*own.values(), *host.values()] if level == "function" else []))

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
        if not any(hmac.compare_digest(given, each.encode()) for each in (self._keys["master"], *good) if each):
            raise web.HTTPUnauthorized(text="")


def _new() -> str:
    return secrets.token_urlsafe(32)
