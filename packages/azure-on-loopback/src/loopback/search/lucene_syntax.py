"""The full Lucene syntax: AND OR NOT && || ! + -, field:…, "phrase"~2, word~1, pre*, wi?d*, /regex/, ^boost, ( ).

Operators as Lucene's classic parser has them: AND makes both sides required, OR makes them optional, NOT excludes;
between words that none joins stands `searchMode`. Ranges are not there, as in the service; what is not well formed is
refused with 400.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from loopback.search.definitions import Field, Index
from loopback.search.matching import Everything, Expanded, Group, Node, Phrase, prefix, regex, wildcard
from loopback.search.problems import bad

MAX_DEPTH = 50
MAX_EDITS = 2
MAX_REGEX = 1_000
_TOKEN = re.compile(
    r'\s*(?:(?P<phrase>"(?:[^"\\]|\\.)*")|(?P<regex>/(?:[^/\\]|\\.)+/)|(?P<and>AND(?=[\s(]|$)|&&)|(?P<or>OR(?=[\s(]|$)|\|\|)'
    r"|(?P<not>NOT(?=[\s(]|$)|!)|(?P<sign>[+-])|(?P<mark>[():])|(?P<tilde>~\d*\.?\d*)|(?P<boost>\^\d+(?:\.\d+)?)"
    r'|(?P<word>(?:[^\s+\-&|!(){}\[\]^"~:/\\]|\\.)(?:[^\s!(){}\[\]^"~:/\\]|\\.)*)|(?P<bad>\S))',
    re.DOTALL,
)
_QUANTIFIED_GROUP = re.compile(r"\([^()]*[*+{][^()]*\)[*+{]|\\[1-9]|\(\?")
Clause = tuple[str, Node]
"""`must`, `may` or `never`, and what."""


def parse(text: str, mode: str, index: Index) -> Node:
    """Raises 400 saying what is wrong."""
    parser = _Parser(text, mode, index)
    node = parser.group()
    if parser.kind:
        parser.wrong(f"unexpected {parser.text!r}")
    return node


class _Parser:
    def __init__(self, text: str, mode: str, index: Index) -> None:
        self._query = text
        self._default = "must" if mode == "all" else "may"
        self._index = index
        self._tokens = [(str(found.lastgroup), found[str(found.lastgroup)]) for found in _TOKEN.finditer(text)]
        self._place = 0
        self._depth = 0
        self._field: Field | None = None

    @property
    def kind(self) -> str:
        return self._tokens[self._place][0] if self._place < len(self._tokens) else ""

    @property
    def text(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else "end of query"

    def wrong(self, why: str) -> NoReturn:
        raise bad(f"Failed to parse query string: {why} in {self._query[:200]!r}. Parameter name: search")

    def _take(self, kind: str, text: str | None = None) -> str | None:
        if self.kind != kind or (text is not None and self.text != text):
            return None
        found = self.text
        self._place += 1
        return found

    def group(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.wrong(f"more than {MAX_DEPTH} levels")
        clauses: list[Clause] = []
        while self.kind and self.text != ")":
            self._clause(clauses)
        self._depth -= 1
        if not clauses:
            self.wrong("nothing to search for")
        must, may, never = (tuple(node for each, node in clauses if each == occur) for occur in _OCCURS)
        return Group(must, may, never)

    def _clause(self, clauses: list[Clause]) -> None:
        joined = "and" if self._take("and") else "or" if self._take("or") else ""
        if joined and not clauses:
            self.wrong(f"{joined.upper()} has nothing before it")
        sign = "never" if self._take("not") else {"+": "must", "-": "never"}.get(self._take("sign") or "", "")
        if joined == "and" and clauses[-1][0] == "may":
            clauses[-1] = ("must", clauses[-1][1])
        if joined == "or" and clauses[-1][0] == "must" and self._default == "must":
            clauses[-1] = ("may", clauses[-1][1])
        occur = sign or ("must" if joined == "and" else "may" if joined == "or" else self._default)
        clauses.append((occur, self._boosted(self._operand())))

    def _operand(self) -> Node:
        if self._take("mark", "("):
            node = self.group()
            if not self._take("mark", ")"):
                self.wrong("a ) is missing")
            return node
        if phrase := self._take("phrase"):
            slop = self._take("tilde")
            if slop and not slop[1:].isdigit():
                self.wrong(f"{slop!r} is not the distance of a phrase")
            return Phrase(_plain(phrase[1:-1]), int(slop[1:]) if slop else 0, fields=self._fields())
        if pattern := self._take("regex"):
            return Expanded(self._pattern(pattern[1:-1]), regex, fields=self._fields())
        word = self._take("word")
        if word is None:
            self.wrong(f"unexpected {self.text!r}" + (" (ranges: use a filter)" if self.text in ("[", "{") else ""))
        if self._take("mark", ":"):
            return self._in_field(word)
        return self._word(word)

    def _in_field(self, name: str) -> Node:
        before = self._field
        self._field = self._index.searchable(_plain(name), "search")
        node = self._operand()
        self._field = before
        return node

    def _fields(self) -> tuple[Field, ...]:
        return (self._field,) if self._field else ()

    def _word(self, word: str) -> Node:
        if word == "*":
            return Everything()
        fuzzy = self._take("tilde")
        if fuzzy is not None:
            edits = fuzzy[1:] or str(MAX_EDITS)
            if edits not in ("0", "1", "2"):
                self.wrong(f"{fuzzy!r} must be ~, ~0, ~1 or ~2")
            return Expanded(_plain(word), _fuzzy(int(edits)), fields=self._fields())
        bare = re.sub(r"\\.", "", word)
        if "*" in bare or "?" in bare:
            test = prefix if bare.endswith("*") and bare.count("*") == 1 and "?" not in bare else wildcard
            return Expanded(_plain(word[:-1] if test is prefix else word), test, fields=self._fields())
        return Phrase(_plain(word), fields=self._fields())

    def _pattern(self, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            self.wrong(f"/{text}/ is not a regular expression: {error}")
        if len(text) > MAX_REGEX or _QUANTIFIED_GROUP.search(text):
            self.wrong(f"/{text}/ has what is not supported here: a repeated repetition, a reference, or a (?…) group")
        return text

    def _boosted(self, node: Node) -> Node:
        boost = self._take("boost")
        return replace(node, boost=float(boost[1:])) if boost else node


_OCCURS: Sequence[str] = ("must", "may", "never")


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _fuzzy(edits: int) -> Callable[[str], Callable[[str], bool]]:
    return lambda text: lambda term: _within(text, term, edits)


def _within(one: str, other: str, most: int) -> bool:
    """Whether so many insertions, deletions, changes or swaps of neighbours make one word of the other."""
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, char in enumerate(one, start=1):
        now = [row]
        for column, found in enumerate(other, start=1):
            cost = min(now[-1] + 1, last[column] + 1, last[column - 1] + (char != found))
            if row > 1 and column > 1 and char == other[column - 2] and one[row - 2] == found:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return False
        before, last = last, now
    return last[-1] <= most
