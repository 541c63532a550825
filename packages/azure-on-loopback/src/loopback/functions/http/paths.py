"""The paths of the host's own endpoints, in which case does not matter."""

import re


def any_case(path: str) -> str:
    """Make an aiohttp path that ignores case; a parameter takes all characters of its segment."""
    return "/".join(_segment(segment) for segment in path.split("/"))


def _segment(segment: str) -> str:
    if not segment:
        return ""
    if segment.startswith("{"):
        return f"{segment[:-1]}:[^/]+}}"
    return f"{{_{segment}:(?i:{re.escape(segment)})}}"
