"""Paths of the host's own endpoints."""

import re


def any_case(path: str) -> str:
    """An aiohttp path that takes no notice of case; a parameter takes any characters of its segment."""
    return "/".join(_segment(each) for each in path.split("/"))


def _segment(segment: str) -> str:
    if not segment:
        return ""
    if segment.startswith("{"):
        return f"{segment[:-1]}:[^/]+}}"
    return f"{{_{segment}:(?i:{re.escape(segment)})}}"
