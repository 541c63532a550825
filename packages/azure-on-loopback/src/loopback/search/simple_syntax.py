"""The simple query syntax: words, "phrases", prefix*, + (and), | (or), - (not), ( ).

It is read as Lucene's SimpleQueryParser reads it: from left to right, without precedence. `searchMode` joins words that
have no operator between them: any means or, all means and. So with any, `wifi -luxury` is wifi or not luxury, as the
service documents it. Malformed text is never an error: it is read as words.
"""

import re

from loopback.search.matching import Everything, Expansion, Group, Node, Phrase, prefix

_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([+|()])|(-)(?=\S)|((?:[^\s"+|()\\]|\\.)+)|(.))', re.DOTALL)
MAX_DEPTH = 50


def parse(text: str, mode: str) -> Node:
    parts = [part.groups(default="") for part in _PART.finditer(text)]
    node, _ = _parse_level(parts, 0, mode, 0)
    return node


def _parse_level(parts: list[tuple[str, ...]], position: int, mode: str, depth: int) -> tuple[Node, int]:
    """Parse up to the `)` of this level, or to the end; returns the tree and the position after it."""
    default = "+" if mode == "all" else "|"
    tree: Node = Group()
    joined_by, operator, negative = "", default, False
    while position < len(parts):
        phrase, mark, minus, word, _ = parts[position]
        position += 1
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
            node, position = _parse_level(parts, position, mode, depth + 1)
        else:
            node = Phrase(_unescaped(phrase)) if phrase else _word(word)
        if negative:
            node = Group(may=(Everything(),), never=(node,))
        tree, joined_by = _join(tree, joined_by, operator, node)
        operator, negative = default, False
    return tree, position


def _join(tree: Node, joined_by: str, operator: str, node: Node) -> tuple[Node, str]:
    """Add a node to a tree. Another operator than before makes the tree so far one member of a new group."""
    members = (tree.must or tree.may) if isinstance(tree, Group) and joined_by in ("", operator) else (tree,)
    if operator == "+":
        return Group(must=(*members, node)), operator
    return Group(may=(*members, node)), operator


def _word(text: str) -> Node:
    if text.endswith("*") and not text.endswith("\\*") and len(text) > 1:
        return Expansion(_unescaped(text[:-1]), prefix)
    return Phrase(_unescaped(text))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
