"""Versions of orchestrations: which runs this app takes on."""

import re

from loopback.functions.apps.host_settings import HostSettings

_NUMBERS = re.compile(r"\d+(\.\d+){1,3}")


def takes_on(settings: HostSettings, version: str | None) -> bool:
    """Whether the app of `settings` runs an orchestration that was started as `version`."""
    current = settings.default_version
    match settings.version_match:
        case "None":
            return True
        case "Strict":
            return (version or "") == (current or "")
        case _:
            return not version or _not_newer(version, current or "")


def _not_newer(version: str, current: str) -> bool:
    """Two dotted numbers are compared by their values, anything else by its letters."""
    if _NUMBERS.fullmatch(version) and _NUMBERS.fullmatch(current):
        return _parts(version) <= _parts(current)
    return version.casefold() <= current.casefold()


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
