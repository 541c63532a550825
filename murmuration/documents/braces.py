"""Where the definitions of languages with braces are: JavaScript, TypeScript, Java, C#, Go, Rust, C and C++."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from murmuration.documents.source import Definition

MAX_DEPTH = 6
"""Containers within containers are looked into so far down."""
HEADER_CHARACTERS = 400
"""Of what stands before a brace, its end says what the brace opens."""
_TOKENS = re.compile(
    r"""//[^\n]* | /\*.*?(?:\*/|\Z)            # comments
    | \"{3}.*?(?:\"{3}|\Z)                     # text blocks of Java and C#
    | (?<!\w)r(?P<raw>\#+)\".*?(?:\"(?P=raw)|\Z)
    | @\"(?:[^"]|\"\")*\"                      # verbatim strings of C#
    | \"(?:[^"\\\n]|\\.)*\" | `(?:[^`\\]|\\.)*`
    | '(?:[^'\\\n]|\\.)*'(?!\w)                # a lone quote is a lifetime of Rust
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
class _Open:
    """A brace that is not closed yet."""

    name: str
    first: int
    """Line of the definition it belongs to."""
    container: bool
    inside: list[Definition] = field(default_factory=list)


def definitions_in_braces(text: str, lines: list[str]) -> tuple[Definition, ...]:
    """Types with their members, and functions. A brace that is never closed ends with the text."""
    starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
    stack = [_Open("", 0, container=True)]
    begin = 0
    header: list[str] = []
    for token in _TOKENS.finditer(text):
        mark = token["mark"]
        header.append(text[max(begin, token.start() - HEADER_CHARACTERS) : token.start()])
        begin = token.end()
        if mark is None:
            continue
        line = bisect_right(starts, token.start()) - 1
        if mark == "{":
            stack.append(_opened("".join(header[-50:]), line, stack))
        elif mark == "}" and len(stack) > 1:
            _close(stack, line)
        header = []
    while len(stack) > 1:
        _close(stack, len(lines) - 1)
    return tuple(stack[0].inside)


def _opened(header: str, line: int, stack: list[_Open]) -> _Open:
    """What a brace on this line opens; without a name where it is a statement's, or within a function."""
    if not stack[-1].container:
        return _Open("", line, container=False)
    # An empty line ends what came before, also where statements end without a semicolon.
    header = (
        re.split(r"\n[ \t\r]*\n", header[-HEADER_CHARACTERS:].rstrip())[-1].lstrip("\r\n")
        + header[len(header.rstrip()) :]
    )
    shown = _ANNOTATION.sub(lambda found: "\n" * found[0].count("\n"), header)
    if found := _CONTAINER.search(shown):
        target = _FOR.search(found["rest"])
        name = target[1] if target else found["name"]
        return _Open(name, _first(shown, found, line), container=len(stack) <= MAX_DEPTH)
    if _WITHOUT_A_NAME.search(shown):
        return _Open("", line, container=True)
    if found := _GO_METHOD.search(shown):
        return _Open(f"{found['owner']}.{found['name']}", _first(shown, found, line), container=False)
    found = next((found for kind in (_KEYWORD, _GO_TYPE, _ASSIGNED) if (found := kind.search(shown))), None)
    if found is None and not _STATEMENTS & set(re.findall(r"^[\s}]*(\w+)", shown)):
        found = _CALLED.search(shown)
    if found is None or found["name"] in _STATEMENTS:
        return _Open("", line, container=False)
    return _Open(found["name"].strip(":"), _first(shown, found, line), container=False)


def _first(header: str, found: re.Match[str], line: int) -> int:
    """The line of the definition, with the lines above that hold its type alone, as some write C."""
    first = line - header.count("\n", found.start())
    above = header[: found.start()].split("\n")[:-1]
    while above and _TYPE_ALONE.fullmatch(above.pop()):
        first -= 1
    return first


def _close(stack: list[_Open], line: int) -> None:
    done = stack.pop()
    if done.name:
        stack[-1].inside.append(Definition(done.name, max(0, done.first), line, tuple(done.inside)))
    elif done.container:
        stack[-1].inside.extend(done.inside)
