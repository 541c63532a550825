"""Versions of orchestrations: the runs that this app takes on."""

import re

from loopback.functions.apps.host_settings import HostSettings

_NUMBERS = re.compile(r"\d+(\.\d+){1,3}")


def takes_on(settings: HostSettings, version: str | None) -> bool:
    """Tell whether the app of `settings` runs an orchestration that was started as `version`."""
    current = settings.default_version
    match settings.version_match:
        case "None":
            return True
        case "Strict":
            return (version or "") == (current or "")
        case _:
            return not version or _not_newer(version, current or "")


def _not_newer(version: str, current: str) -> bool:
    """Compare two dotted numbers by their values, and anything else by its letters."""
    if _NUMBERS.fullmatch(version) and _NUMBERS.fullmatch(current):
        return _parts(version) <= _parts(current)
    return version.casefold() <= current.casefold()


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
