"""Where the definitions of Python source are, by Python's own parser."""

import ast
import threading
import warnings
from collections.abc import Iterator

from murmuration.documents.source import Definition

_LOCK = threading.Lock()
"""What is warned of is a setting of the whole process."""


def definitions_of_python(text: str, _lines: list[str]) -> tuple[Definition, ...]:
    """Classes and functions; none when it isn't the syntax of this Python, or is nested too deeply to parse."""
    try:
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another's source code
            tree = ast.parse(text)
        return tuple(_definitions(tree.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Also of those under `if`, `try` and `with`. What a function defines inside stays within it."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            inside = tuple(_definitions(node.body)) if isinstance(node, ast.ClassDef) else ()
            yield Definition(node.name, first - 1, (node.end_lineno or node.lineno) - 1, inside)
        else:
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _definitions(getattr(node, part, []))
