"""Where the parts of shell, SQL, YAML, TOML and JSON are, by how their lines begin."""

import re
from collections.abc import Iterator, Sequence

from murmuration.documents.source import Definition, Finder

_SHELL = re.compile(r"(?:function\s+)?(?P<name>[\w:.-]+)\s*\(\s*\)|function\s+(?P<word>[\w:.-]+)")
_SQL = re.compile(
    r"(?:create|alter)\s+(?:or\s+(?:replace|alter)\s+)?(?:\w+\s+){0,3}?"
    r"(?P<kind>table|view|function|procedure|trigger|index|type|schema|sequence|database|role|policy|extension)\s+"
    r"(?:if\s+not\s+exists\s+|if\s+exists\s+|concurrently\s+)?(?P<name>[\w.\"`\[\]]+)",
    re.IGNORECASE,
)
_TOML = re.compile(r"\[\[?\s*(?P<name>[^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""(?P<indent>[ ]*)(?:-[ ]+)?(?P<name>"(?:[^"\\]|\\.)*"|'[^']*'|[\w][^\s:#'"]*)\s*:(?=\s|$)""")
MAX_KEY = 2
"""Keys of the first levels are headings; below them stand values."""
LARGE_LINES = 20
"""A key whose value has more lines is divided at the keys within it."""


def _shell(_text: str, lines: list[str]) -> Iterator[Definition]:
    """A function ends with the first brace that begins a line, as every formatter writes it."""
    index = 0
    while index < len(lines):
        found = _SHELL.match(lines[index])
        if not found:
            index += 1
            continue
        last = index
        if not lines[index].rstrip().endswith(("}", ")", "};")) or lines[index].rstrip().endswith("()"):
            last = next((at for at in range(index + 1, len(lines)) if lines[at][:1] in ("}", ")")), index)
        yield Definition(found["name"] or found["word"], index, last)
        index = last + 1


def _sql(_text: str, lines: list[str]) -> Iterator[Definition]:
    """From one CREATE or ALTER at the beginning of a line up to the next: what follows is mostly about it."""
    found = [(index, match) for index, line in enumerate(lines) if (match := _SQL.match(line))]
    marks = [(index, f"{match['kind'].lower()} {match['name']}") for index, match in found]
    yield from _up_to_the_next(marks, len(lines))


def _toml(_text: str, lines: list[str]) -> Iterator[Definition]:
    marks = [(index, match["name"]) for index, line in enumerate(lines) if (match := _TOML.match(line))]
    yield from _up_to_the_next(marks, len(lines))


def _up_to_the_next(marks: Sequence[tuple[int, str]], stop: int) -> Iterator[Definition]:
    for (index, name), following in zip(marks, [*(index for index, _ in marks[1:]), stop], strict=False):
        yield Definition(name, index, following - 1)


def _keys(_text: str, lines: list[str]) -> Iterator[Definition]:
    """Keys by their indentation; JSON is read so when it is written on lines."""
    found = [(index, match) for index, line in enumerate(lines) if (match := _KEY.match(line))]
    marks = [(index, len(match["indent"]), match["name"].strip("\"'")) for index, match in found]
    yield from _level(marks, len(lines), 1)


def _level(marks: Sequence[tuple[int, int, str]], stop: int, depth: int) -> Iterator[Definition]:
    if not marks:
        return
    least = min(indent for _, indent, _ in marks)
    tops = [at for at, (_, indent, _) in enumerate(marks) if indent == least]
    for at, following in zip(tops, [*tops[1:], len(marks)], strict=True):
        first, _, name = marks[at]
        end = marks[following][0] if following < len(marks) else stop
        large = depth < MAX_KEY and end - first > LARGE_LINES
        yield Definition(
            name, first, end - 1, tuple(_level(marks[at + 1 : following], end, depth + 1)) if large else ()
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
