"""Definitions in source code, as the finders of the languages report them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """A named range of lines: a class, a function, a table, a key."""

    name: str
    first: int
    """Index of its first line."""
    last: int
    """Index of its last line, inclusive."""
    members: tuple["Definition", ...] = ()


Finder = Callable[[str, list[str]], Iterable[Definition]]
"""Takes the text and its lines; definitions come in the order of their lines and may share a line."""
