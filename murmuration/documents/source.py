"""Source code and configuration: cut at its definitions, headed module > class > function.

No grammar is loaded. Python is read by its own parser; for the rest, braces, indentation and the first words of a line
say where a definition begins and ends. Where that guess is wrong a heading is wrong; no line is ever lost.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from murmuration.documents.model import Section
from murmuration.documents.outline import code

BRACES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".java", ".cs", ".go", ".rs", ".c", ".h",
          ".cc", ".cpp", ".cxx", ".hh", ".hpp")  # fmt: skip
SOURCE_SUFFIXES = (".py", ".pyi", *BRACES, ".sh", ".bash", ".sql", ".yaml", ".yml", ".toml", ".json")
MAX_PARSED_CHARACTERS = 2_000_000
"""Of larger files no definitions are looked for: a syntax tree takes some hundred times the memory of its text, and
what is larger was written by a program."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_LEADING = re.compile(r"\s*(//|/\*|\*|#|--|@|\[)")
"""Comments, decorators and attributes, which belong to the definition below them."""


@dataclass(frozen=True)
class Definition:
    name: str
    first: int
    """Index of its first line."""
    last: int
    """Index of its last line, which is its own too."""
    inside: tuple["Definition", ...] = ()


Finder = Callable[[str, list[str]], Iterable[Definition]]
"""Takes the text and its lines; definitions come in the order of their lines and may share a line."""


def read_source(source: str, content: str) -> list[Section]:
    """Sections of a file; one without headings below the module where its structure can't be seen."""
    lines = _LINE_END.split(content)
    suffix = PurePosixPath(source).suffix.lower()
    definitions = _finder(suffix)(content, lines) if len(content) <= MAX_PARSED_CHARACTERS else ()
    return list(_sections(lines, definitions, (_module(source, suffix),), 0, len(lines)))


def _module(source: str, suffix: str) -> str:
    """`a/b/c.py` is a.b.c, the package's own file is the package; other files go by their path."""
    if suffix not in (".py", ".pyi"):
        return source
    parts = PurePosixPath(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _finder(suffix: str) -> Finder:
    """Readers are loaded by the first document that needs them."""
    if suffix in (".py", ".pyi"):
        from murmuration.documents.python import definitions_of_python

        return definitions_of_python
    if suffix in BRACES:
        from murmuration.documents.braces import definitions_in_braces

        return definitions_in_braces
    from murmuration.documents.lines import FINDERS

    return FINDERS[suffix]


def _sections(
    lines: list[str], definitions: Iterable[Definition], headings: tuple[str, ...], start: int, stop: int
) -> Iterator[Section]:
    """The lines from `start` up to `stop` in their order, each in exactly one section."""
    for definition in definitions:
        first = max(start, _with_what_leads(lines, definition.first, start))
        last = min(stop, definition.last + 1)
        if last <= first:
            continue
        yield from _section(lines[start:first], headings)
        inner = (*headings, definition.name)
        if definition.inside:
            yield from _sections(lines, definition.inside, inner, first, last)
        else:
            yield from _section(lines[first:last], inner)
        start = last
    yield from _section(lines[start:stop], headings)


def _with_what_leads(lines: list[str], first: int, start: int) -> int:
    while first > start and _LEADING.match(lines[first - 1]):
        first -= 1
    return first


def _section(lines: list[str], headings: tuple[str, ...]) -> Iterator[Section]:
    if any(re.search(r"\w", line) for line in lines):
        yield Section(headings, code("\n".join(lines)), names_itself=True)
