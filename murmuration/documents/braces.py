"""Finds definitions in languages with braces: JavaScript, TypeScript, Java, C#, Go, Rust, C and C++."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from murmuration.documents.definitions import Definition

MAX_DEPTH = 6
"""Levels of containers within containers that are searched for members."""
MAX_HEADER_CHARACTERS = 400
"""Text before a brace that is searched for the name of what the brace opens."""
_TOKENS = re.compile(
    r"""//[^\n]* | /\*.*?(?:\*/|\Z)            # comments
    | \"{3}.*?(?:\"{3}|\Z)                     # text blocks of Java and C#
    | (?<!\w)r(?P<raw>\#+)\".*?(?:\"(?P=raw)|\Z)
    | @\"(?:[^"]|\"\")*\"                      # verbatim strings of C#
    | \"(?:[^"\\\n]|\\.)*\" | `(?:[^`\\]|\\.)*`
    | '(?:[^'\\\n]|\\.)*'(?!\w)                # a lone quote is a Rust lifetime
    | (?P<mark>[{};]) | (?P<preprocessor>^[ \t]*\#[^\n]*)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ANNOTATION = re.compile(r"@[\w.]+(?:\([^()]*\))?|^[ \t]*#?\[[^\[\]]*\]", re.MULTILINE)
_CONTAINER = re.compile(
    r"\b(?:enum\s+class|enum\s+struct|class|interface|struct|enum|union|trait|namespace|module|mod|record|impl)\b"
    r"(?:\s*<[^{}]*?>)?\s+(?P<name>[\w:.~$]+)(?P<rest>[^(){};=]*)$"
)
_WITHOUT_A_NAME = re.compile(r"\b(?:extern|namespace)\s*$")
_FOR = re.compile(r"\bfor\s+([\w:.]+)")
_GO_METHOD = re.compile(r"\bfunc\s*\(\s*(?:\w+\s+)?\*?(?P<owner>\w+)[^)]*\)\s*(?P<name>\w+)[^\n]*$")
_KEYWORD = re.compile(
    r"\b(?:function\b\s*\*?\s*|fn\s+|func\s+)(?P<name>[\w$]+)\s*[(<\[](?:.(?!\b(?:function|fn|func)\b))*$", re.S
)
_GO_TYPE = re.compile(r"\btype\s+(?P<name>\w+)[^\n]*$")
_ASSIGNED = re.compile(r"(?<![\w$#.])(?P<name>[\w$#.]+)\s*(?::[^=]*)?=\s*[^=]*(?:=>|\bfunction\b[^{]*)\s*$")
_CALLED = re.compile(r"(?<![\w$~#:])(?P<name>[\w$~#:]+)\s*(?:<[^<>]*>)?\s*\(")
_TYPE_ALONE = re.compile(r"[ \t]*(?:[\w:<>*&]+[ \t]*){1,4}")
_STATEMENTS = {"if", "for", "while", "switch", "catch", "else", "do", "try", "return", "using", "lock", "match", "loop",
               "select", "synchronized", "foreach", "with", "new", "fixed", "unsafe", "defer", "go"}  # fmt: skip


@dataclass
class _OpenBrace:
    """A brace that is not closed yet."""

    name: str
    first: int
    """Line on which its definition begins."""
    container: bool
    members: list[Definition] = field(default_factory=list)


def definitions_in_braces(text: str, lines: list[str]) -> tuple[Definition, ...]:
    """Return types with their members, and functions; a brace that is never closed ends with the text."""
    line_starts = [0, *(line_end.end() for line_end in re.finditer(r"\r\n|\r|\n", text))]
    stack = [_OpenBrace("", 0, container=True)]
    header_start = 0
    header: list[str] = []
    for token in _TOKENS.finditer(text):
        mark = token["mark"]
        header.append(text[max(header_start, token.start() - MAX_HEADER_CHARACTERS) : token.start()])
        header_start = token.end()
        if mark is None:
            continue
        line = bisect_right(line_starts, token.start()) - 1
        if mark == "{":
            stack.append(_open("".join(header[-50:]), line, stack))
        elif mark == "}" and len(stack) > 1:
            _close(stack, line)
        header = []
    while len(stack) > 1:
        _close(stack, len(lines) - 1)
    return tuple(stack[0].members)


def _open(header: str, line: int, stack: list[_OpenBrace]) -> _OpenBrace:
    """Return what a brace on this line opens; nameless for a statement or anything within a function."""
    if not stack[-1].container:
        return _OpenBrace("", line, container=False)
    trailing = header[len(header.rstrip()) :]
    # Where statements end without a semicolon, an empty line ends them.
    header = re.split(r"\n[ \t\r]*\n", header[-MAX_HEADER_CHARACTERS:].rstrip())[-1].lstrip("\r\n") + trailing
    header = _ANNOTATION.sub(lambda annotation: "\n" * annotation[0].count("\n"), header)
    if match := _CONTAINER.search(header):
        target = _FOR.search(match["rest"])
        name = target[1] if target else match["name"]
        return _OpenBrace(name, _first_line(header, match, line), container=len(stack) <= MAX_DEPTH)
    if _WITHOUT_A_NAME.search(header):
        return _OpenBrace("", line, container=True)
    if match := _GO_METHOD.search(header):
        return _OpenBrace(f"{match['owner']}.{match['name']}", _first_line(header, match, line), container=False)
    match = next((match for kind in (_KEYWORD, _GO_TYPE, _ASSIGNED) if (match := kind.search(header))), None)
    if match is None and not _STATEMENTS & set(re.findall(r"^[\s}]*(\w+)", header)):
        match = _CALLED.search(header)
    if match is None or match["name"] in _STATEMENTS:
        return _OpenBrace("", line, container=False)
    return _OpenBrace(match["name"].strip(":"), _first_line(header, match, line), container=False)


def _first_line(header: str, match: re.Match[str], line: int) -> int:
    """Return the definition's line, or the one above it that holds its return type alone, as in some C."""
    first = line - header.count("\n", match.start())
    above = header[: match.start()].split("\n")[:-1]
    while above and _TYPE_ALONE.fullmatch(above.pop()):
        first -= 1
    return first


def _close(stack: list[_OpenBrace], line: int) -> None:
    closed = stack.pop()
    if closed.name:
        stack[-1].members.append(Definition(closed.name, max(0, closed.first), line, tuple(closed.members)))
    elif closed.container:
        stack[-1].members.extend(closed.members)
