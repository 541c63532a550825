"""What an app's host.json says, as far as this host obeys it."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from loopback.serving import CannotStart

_TIMESPAN = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d\d?):(\d\d?(?:\.\d+)?)")
MATCH_STRATEGIES = ("None", "Strict", "CurrentOrOlder")
FAILURE_STRATEGIES = ("Reject", "Fail")


@dataclass(frozen=True)
class HostSettings:
    route_prefix: str
    function_timeout: timedelta | None
    hub_name: str
    activities_at_once: int
    default_version: str | None
    version_match: str
    """Which versions this host takes on: every one (`None`), its own (`Strict`), or its own and older ones."""
    version_failure: str
    """What becomes of a run of another version: it waits (`Reject`) or fails (`Fail`)."""
    tries: int
    """How often a queue message or a blob is tried before it counts as poison."""


def read_host_settings(folder: Path) -> HostSettings:
    """The settings of the app in `folder`; raises `CannotStart` that names the file and the key."""
    path = folder / "host.json"
    found = json_object(path)
    try:
        extensions = found.get("extensions", {})
        durable = extensions.get("durableTask", {})
        return HostSettings(
            route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
            function_timeout=_timeout(found.get("functionTimeout", "00:30:00")),
            hub_name=str(durable.get("hubName", "TestHubName")),
            activities_at_once=_at_least_one(durable, "maxConcurrentActivityFunctions", 1000),
            default_version=durable.get("defaultVersion"),
            version_match=_one_of(durable, "versionMatchStrategy", MATCH_STRATEGIES, "CurrentOrOlder"),
            version_failure=_one_of(durable, "versionFailureStrategy", FAILURE_STRATEGIES, "Reject"),
            tries=_at_least_one(extensions.get("queues", {}), "maxDequeueCount", 5),
        )
    except (ValueError, AttributeError) as error:
        raise CannotStart(f"{str(path)!r}: {error}") from error


def json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file of an app; raises `CannotStart` when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CannotStart(f"{str(path.parent)!r} is no function app: it has no {path.name}") from error
    except ValueError as error:
        raise CannotStart(f"{str(path)!r} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CannotStart(f"{str(path)!r} holds no JSON object")
    return found


def parse_timespan(text: str) -> timedelta:
    """`hh:mm:ss`, `hh:mm:ss.fff` or `d.hh:mm:ss`, as .NET writes a TimeSpan; raises `ValueError`."""
    found = _TIMESPAN.fullmatch(text.strip())
    days, hours, minutes, seconds = (float(group or 0) for group in found.groups()) if found else (0, 0, 60, 0)
    if minutes >= 60 or seconds >= 60:
        raise ValueError(f"{text!r} is no time span such as '00:05:00'")
    if hours >= 24:
        days, hours = hours, 0  # as .NET reads it
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _timeout(text: Any) -> timedelta | None:
    if text == "-1":
        return None
    try:
        return parse_timespan(str(text))
    except ValueError as error:
        raise ValueError(f"functionTimeout: {error}") from error


def _at_least_one(section: dict[str, Any], key: str, default: int) -> int:
    value = section.get(key, default)
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} is to be a number from 1 on, not {value!r}")
    return value


def _one_of(section: dict[str, Any], key: str, known: tuple[str, ...], default: str) -> str:
    value = section.get(key, default)
    for each in known:
        if isinstance(value, str) and value.casefold() == each.casefold():
            return each
    raise ValueError(f"{key} is one of {', '.join(known)}, not {value!r}")
