"""Prose of a passage: a document's whole text, or the docstrings and comments of source code."""

import re
from inspect import cleandoc
from pathlib import PurePosixPath

_DOCSTRING = r"\"{3}(?P<double>.*?)\"{3}|'{3}(?P<single>.*?)'{3}"
_BLOCK = r"/\*(?P<block>.*?)\*/"
_MARK = re.compile(r"^[ \t]*(?:#+!?|/{2,}!?|--+|\*+)[ \t]?", re.MULTILINE)


def _lines(mark: str) -> str:
    """Return a pattern for consecutive lines of comment."""
    return rf"(?P<lines>^[ \t]*{mark}[^\n]*(?:\n[ \t]*{mark}[^\n]*)*)"


def _either(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.DOTALL | re.MULTILINE)


_PYTHON = _either(_DOCSTRING, _lines("#"))
_BRACES = _either(_BLOCK, _lines("//"))
_HASHES = _either(_lines("#"))
_DASHES = _either(_BLOCK, _lines("--"))
_BY_SUFFIX = {
    **dict.fromkeys((".py", ".pyi"), _PYTHON),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".java", ".cs", ".go"), _BRACES),
    **dict.fromkeys((".rs", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp"), _BRACES),
    **dict.fromkeys((".sh", ".bash", ".yaml", ".yml", ".toml"), _HASHES),
    ".sql": _DASHES,
}


def prose(text: str, source: str) -> str:
    """Return the text, or only its comments and docstrings when `source` is the path of a source file."""
    remarks = _BY_SUFFIX.get(PurePosixPath(source).suffix.lower())
    if remarks is None:
        return text
    return "\n\n".join(_remark(match) for match in remarks.finditer(text))


def _remark(match: re.Match[str]) -> str:
    """Return a comment without its marks and indentation."""
    kind = match.lastgroup or ""
    return cleandoc(match[kind] if kind in ("double", "single") else _MARK.sub("", match[kind])).strip()
