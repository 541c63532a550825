"""Versions of orchestrations: which runs this app takes on."""

import re

from local.functions_host.host_settings import HostSettings

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
            return not version or _order(version) <= _order(current or "")


def _order(version: str) -> tuple[int, tuple[int, ...], str]:
    """Dotted numbers by their value, anything else by its letters, after the numbers; no version comes first."""
    if not version:
        return 0, (), ""
    if _NUMBERS.fullmatch(version):
        return 1, tuple(int(part) for part in version.split(".")), ""
    return 2, (), version.casefold()
