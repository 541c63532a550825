"""Finds the definitions of Python source with Python's own parser."""

import ast
import threading
import warnings
from collections.abc import Iterator

from murmuration.documents.definitions import Definition

_LOCK = threading.Lock()
"""Warning filters are global to the process."""


def definitions_of_python(text: str, _lines: list[str]) -> tuple[Definition, ...]:
    """Return classes and functions; none when this Python can't parse the text or it is nested too deeply."""
    try:
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about source code that is not ours
            tree = ast.parse(text)
        return tuple(_definitions(tree.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Yield definitions, also those under `if`, `try` and `with`; functions are not looked into."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            members = tuple(_definitions(node.body)) if isinstance(node, ast.ClassDef) else ()
            yield Definition(node.name, first - 1, (node.end_lineno or node.lineno) - 1, members)
        else:
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _definitions(getattr(node, part, []))
