"""Finds the parts of shell, SQL, YAML, TOML and JSON by how their lines begin."""

import re
from collections.abc import Iterator, Sequence

from murmuration.documents.definitions import Definition, Finder

_SHELL = re.compile(r"(?:function\s+)?(?P<name>[\w:.-]+)\s*\(\s*\)|function\s+(?P<word>[\w:.-]+)")
_SQL = re.compile(
    r"(?:create|alter)\s+(?:or\s+(?:replace|alter)\s+)?(?:\w+\s+){0,3}?"
    r"(?P<kind>table|view|function|procedure|trigger|index|type|schema|sequence|database|role|policy|extension)\s+"
    r"(?:if\s+not\s+exists\s+|if\s+exists\s+|concurrently\s+)?(?P<name>[\w.\"`\[\]]+)",
    re.IGNORECASE,
)
_TOML = re.compile(r"\[\[?\s*(?P<name>[^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""(?P<indent>[ ]*)(?:-[ ]+)?(?P<name>"(?:[^"\\]|\\.)*"|'[^']*'|[\w][^\s:#'"]*)\s*:(?=\s|$)""")
MAX_KEY_DEPTH = 2
"""Keys of the first two levels become headings; deeper ones are values."""
LARGE_LINES = 20
"""A key whose value has more lines is divided at its own keys."""


def _shell(_text: str, lines: list[str]) -> Iterator[Definition]:
    """Yield functions; one ends at the first brace in column 0, where every formatter puts it."""
    index = 0
    while index < len(lines):
        match = _SHELL.match(lines[index])
        if not match:
            index += 1
            continue
        last = index
        if not lines[index].rstrip().endswith(("}", ")", "};")) or lines[index].rstrip().endswith("()"):
            last = next((end for end in range(index + 1, len(lines)) if lines[end][:1] in ("}", ")")), index)
        yield Definition(match["name"] or match["word"], index, last)
        index = last + 1


def _sql(_text: str, lines: list[str]) -> Iterator[Definition]:
    """Yield each CREATE or ALTER with the lines up to the next: they are mostly about it."""
    matches = [(index, match) for index, line in enumerate(lines) if (match := _SQL.match(line))]
    marks = [(index, f"{match['kind'].lower()} {match['name']}") for index, match in matches]
    yield from _ranges(marks, len(lines))


def _toml(_text: str, lines: list[str]) -> Iterator[Definition]:
    marks = [(index, match["name"]) for index, line in enumerate(lines) if (match := _TOML.match(line))]
    yield from _ranges(marks, len(lines))


def _ranges(marks: Sequence[tuple[int, str]], stop: int) -> Iterator[Definition]:
    for (index, name), following in zip(marks, [*(index for index, _ in marks[1:]), stop], strict=False):
        yield Definition(name, index, following - 1)


def _keys(_text: str, lines: list[str]) -> Iterator[Definition]:
    """Yield keys by their indentation; JSON works the same when it has one key a line."""
    matches = [(index, match) for index, line in enumerate(lines) if (match := _KEY.match(line))]
    marks = [(index, len(match["indent"]), match["name"].strip("\"'")) for index, match in matches]
    yield from _level(marks, len(lines), 1)


def _level(marks: Sequence[tuple[int, int, str]], stop: int, depth: int) -> Iterator[Definition]:
    if not marks:
        return
    least = min(indent for _, indent, _ in marks)
    tops = [number for number, (_, indent, _) in enumerate(marks) if indent == least]
    for number, following in zip(tops, [*tops[1:], len(marks)], strict=True):
        first, _, name = marks[number]
        end = marks[following][0] if following < len(marks) else stop
        large = depth < MAX_KEY_DEPTH and end - first > LARGE_LINES
        yield Definition(
            name, first, end - 1, tuple(_level(marks[number + 1 : following], end, depth + 1)) if large else ()
        )


FINDERS: dict[str, Finder] = {
    ".sh": _shell,
    ".bash": _shell,
    ".sql": _sql,
    ".toml": _toml,
    ".yaml": _keys,
    ".yml": _keys,
    ".json": _keys,
}
