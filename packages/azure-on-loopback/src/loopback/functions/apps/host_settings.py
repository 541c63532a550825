"""The settings in an app's host.json that this host obeys."""

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
    """host.json, with the real host's defaults."""

    route_prefix: str
    function_timeout: timedelta | None
    hub_name: str
    max_activities: int
    """The number of activities that run at the same time."""
    default_version: str | None
    version_match: str
    """The versions of runs that this app takes on: all (`None`), its own (`Strict`), or its own and older ones."""
    version_failure: str
    """The fate of a run of another version: it waits (`Reject`) or fails (`Fail`)."""
    max_attempts: int
    """The attempts at a queue message or a blob before it counts as poison."""


def read_host_settings(folder: Path) -> HostSettings:
    """Read the settings of the app in `folder`; raises `CannotStart` that names the file and the key."""
    path = folder / "host.json"
    content = json_object(path)
    try:
        extensions = content.get("extensions", {})
        durable = extensions.get("durableTask", {})
        return HostSettings(
            route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
            function_timeout=_timeout(content.get("functionTimeout", "00:30:00")),
            hub_name=str(durable.get("hubName", "TestHubName")),
            max_activities=_at_least_one(durable, "maxConcurrentActivityFunctions", 1000),
            default_version=durable.get("defaultVersion"),
            version_match=_one_of(durable, "versionMatchStrategy", MATCH_STRATEGIES, "CurrentOrOlder"),
            version_failure=_one_of(durable, "versionFailureStrategy", FAILURE_STRATEGIES, "Reject"),
            max_attempts=_at_least_one(extensions.get("queues", {}), "maxDequeueCount", 5),
        )
    except (ValueError, AttributeError) as error:
        raise CannotStart(f"{str(path)!r}: {error}") from error


def json_object(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file of an app; raises `CannotStart` if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CannotStart(f"{str(path.parent)!r} is no function app: it has no {path.name}") from error
    except ValueError as error:
        raise CannotStart(f"{str(path)!r} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CannotStart(f"{str(path)!r} holds no JSON object")
    return content


def parse_timespan(text: str) -> timedelta:
    """Read `hh:mm:ss`, `hh:mm:ss.fff` or `d.hh:mm:ss`, as .NET writes a TimeSpan; raises `ValueError`."""
    match = _TIMESPAN.fullmatch(text.strip())
    days, hours, minutes, seconds = (float(group or 0) for group in match.groups()) if match else (0, 0, 60, 0)
    if minutes >= 60 or seconds >= 60:
        raise ValueError(f"{text!r} is no time span such as '00:05:00'")
    if hours >= 24:
        days, hours = hours, 0  # .NET reads such hours as days
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
        raise ValueError(f"{key} must be a whole number from 1 on, not {value!r}")
    return value


def _one_of(section: dict[str, Any], key: str, choices: tuple[str, ...], default: str) -> str:
    value = section.get(key, default)
    for choice in choices:
        if isinstance(value, str) and value.casefold() == choice.casefold():
            return choice
    raise ValueError(f"{key} must be one of {', '.join(choices)}, not {value!r}")
