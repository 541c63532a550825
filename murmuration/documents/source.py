"""Splits source code and configuration at its definitions, headed module > class > function.

No grammar is loaded. Python is parsed by its own parser; for the rest, braces, indentation and the first words of a
line say where a definition begins and ends. A wrong guess makes a wrong heading; no line is ever lost.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from murmuration.documents.braces import definitions_in_braces
from murmuration.documents.definitions import Definition, Finder
from murmuration.documents.lines import FINDERS
from murmuration.documents.model import Section
from murmuration.documents.outline import code
from murmuration.documents.python import definitions_of_python

PYTHON_SUFFIXES = (".py", ".pyi")
BRACE_SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".java", ".cs", ".go", ".rs", ".c",
                  ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp")  # fmt: skip
MAX_PARSED_CHARACTERS = 2_000_000
"""Larger files are not searched for definitions: a syntax tree takes some hundred times the memory of its text, and
such files are written by programs."""
_FINDERS: dict[str, Finder] = {
    **dict.fromkeys(PYTHON_SUFFIXES, definitions_of_python),
    **dict.fromkeys(BRACE_SUFFIXES, definitions_in_braces),
    **FINDERS,
}
SOURCE_SUFFIXES = tuple(_FINDERS)
_LINE_END = re.compile(r"\r\n|\r|\n")
_LEADING = re.compile(r"\s*(//|/\*|\*|#|--|@|\[)")
"""Comments, decorators and attributes, which belong to the definition below them."""


def read_source(source: str, content: str) -> list[Section]:
    """Return the sections of a file; a single one, headed by the module, when no definition is found."""
    lines = _LINE_END.split(content)
    suffix = next(suffix for suffix in SOURCE_SUFFIXES if source.lower().endswith(suffix))
    definitions = _FINDERS[suffix](content, lines) if len(content) <= MAX_PARSED_CHARACTERS else ()
    return list(_sections(lines, definitions, (_module(source, suffix),), 0, len(lines)))


def _module(source: str, suffix: str) -> str:
    """Return the heading of a file: `a/b/c.py` is a.b.c, `a/b/__init__.py` is a.b, others go by their path."""
    if suffix not in PYTHON_SUFFIXES:
        return source
    parts = PurePosixPath(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _sections(
    lines: list[str], definitions: Iterable[Definition], headings: tuple[str, ...], start: int, stop: int
) -> Iterator[Section]:
    """Yield the lines from `start` up to `stop` in their order, each line in exactly one section."""
    for definition in definitions:
        first = max(start, _with_leading_lines(lines, definition.first, start))
        last = min(stop, definition.last + 1)
        if last <= first:
            continue
        yield from _section(lines[start:first], headings)
        inner = (*headings, definition.name)
        if definition.members:
            yield from _sections(lines, definition.members, inner, first, last)
        else:
            yield from _section(lines[first:last], inner)
        start = last
    yield from _section(lines[start:stop], headings)


def _with_leading_lines(lines: list[str], first: int, start: int) -> int:
    while first > start and _LEADING.match(lines[first - 1]):
        first -= 1
    return first


def _section(lines: list[str], headings: tuple[str, ...]) -> Iterator[Section]:
    if any(re.search(r"\w", line) for line in lines):
        yield Section(headings, code("\n".join(lines)), names_itself=True)
