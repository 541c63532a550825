"""Query text in the service's simple syntax, as an FTS5 expression.

Words are OR-ed (`searchMode` any) or AND-ed (all); "a phrase", word*, +required, -excluded. Grouping by ( ) and |
is read as a list of words. What an English analyzer leaves out of a text is left out of a query.
"""

import re

from local.search_service.problems import bad

_PART = re.compile(r'([+-]?)(?:"([^"]*)"?|([^\s"()|+]+))')
_WORD = re.compile(r"\w+")
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)
"""What Lucene's English analyzer leaves out."""
QUESTION_WORDS = frozenset(
    [
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "do",
        "does",
        "did",
        "can",
        "i",
        "you",
        "your",
        "my",
    ]
)
"""Left out too: they cost time here and tell nothing. A query of nothing else keeps them."""


def expression(text: str, mode: str, columns: tuple[str, ...]) -> str | None:
    """The FTS5 query; None when no word is left, which matches nothing."""
    if mode not in ("any", "all"):
        raise bad(f"searchMode is {mode!r}: use any or all. Parameter name: searchMode")
    must: list[str] = []
    may: list[str] = []
    never: list[str] = []
    for sign, phrase, word in _PART.findall(text):
        term = _phrase(phrase) if phrase else _word(word)
        if term:
            (must if sign == "+" else never if sign == "-" else may).append(term)
    if mode == "all":
        must, may = must + may, []
    if not must and not may:
        return None
    positive = " AND ".join(must) if must else "(" + " OR ".join(dict.fromkeys(may)) + ")"
    excluded = "".join(f" NOT {term}" for term in never)
    return f"{{{' '.join(columns)}}} : ({positive}{excluded})"


def _phrase(text: str) -> str:
    words = _WORD.findall(text)
    return f'"{" ".join(words)}"' if words else ""


def _word(text: str) -> str:
    words = [each for each in _WORD.findall(text) if each.casefold() not in STOP_WORDS | QUESTION_WORDS]
    if not words:
        return ""
    if text.endswith("*"):
        return f'"{words[-1]}" *'
    return f'"{" ".join(words)}"'
