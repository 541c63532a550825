"""The simple query syntax: words, "phrases", prefix*, + (and), | (or), - (not), ( ).

Read as Lucene's SimpleQueryParser reads it: from left to right, no operator before another. Between words that no
operator joins stands `searchMode`: any is or, all is and. So with any, `wifi -luxury` is wifi or not luxury, as the
service documents it. What is not well formed is never an error: it is read as text.
"""

import re

from loopback.search.matching import Everything, Expanded, Group, Node, Phrase, prefix

_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([+|()])|(-)(?=\S)|((?:[^\s"+|()\\]|\\.)+)|(.))', re.DOTALL)
MAX_DEPTH = 50


def parse(text: str, mode: str) -> Node:
    parts = [found.groups(default="") for found in _PART.finditer(text)]
    node, _ = _level(parts, 0, mode, 0)
    return node


def _level(parts: list[tuple[str, ...]], place: int, mode: str, depth: int) -> tuple[Node, int]:
    """The nodes up to the `)` of this level, or to the end; and where it ended."""
    default = "+" if mode == "all" else "|"
    whole: Node = Group()
    joined_by, operator, negative = "", default, False
    while place < len(parts):
        phrase, mark, minus, word, _ = parts[place]
        place += 1
        if mark == ")":
            break
        if mark in ("+", "|") and mark:
            operator = mark
            continue
        if minus:
            negative = not negative
            continue
        if mark == "(":
            if depth >= MAX_DEPTH:
                continue
            node, place = _level(parts, place, mode, depth + 1)
        else:
            node = Phrase(_plain(phrase)) if phrase else _word(word)
        if negative:
            node = Group(may=(Everything(),), never=(node,))
        whole, joined_by = _with(whole, joined_by, operator, node)
        operator, negative = default, False
    return whole, place


def _with(whole: Node, joined_by: str, operator: str, node: Node) -> tuple[Node, str]:
    """A change of the operator puts what came before into a group of its own."""
    before = (whole.must or whole.may) if isinstance(whole, Group) and joined_by in ("", operator) else (whole,)
    if operator == "+":
        return Group(must=(*before, node)), operator
    return Group(may=(*before, node)), operator


def _word(text: str) -> Node:
    if text.endswith("*") and not text.endswith("\\*") and len(text) > 1:
        return Expanded(_plain(text[:-1]), prefix)
    return Phrase(_plain(text))


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
