"""The full Lucene syntax: AND OR NOT && || ! + -, field:…, "phrase"~2, word~1, pre*, wi?d*, /regex/, ^boost, ( ).

Operators work as in Lucene's classic parser: AND makes both sides required, OR makes them optional, NOT excludes;
`searchMode` joins words that have no operator between them. Ranges are not supported, as in the service. Malformed text
is refused with 400.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from loopback.search.definitions import Field, Index
from loopback.search.errors import bad_request
from loopback.search.matching import Everything, Expansion, Group, Matcher, Node, Phrase, prefix, regex, wildcard

MAX_DEPTH = 50
MAX_EDITS = 2
MAX_REGEX_CHARACTERS = 1_000
_TOKEN = re.compile(
    r'\s*(?:(?P<phrase>"(?:[^"\\]|\\.)*")|(?P<regex>/(?:[^/\\]|\\.)+/)|(?P<and>AND(?=[\s(]|$)|&&)|(?P<or>OR(?=[\s(]|$)|\|\|)'
    r"|(?P<not>NOT(?=[\s(]|$)|!)|(?P<sign>[+-])|(?P<mark>[():])|(?P<tilde>~\d*\.?\d*)|(?P<boost>\^\d+(?:\.\d+)?)"
    r'|(?P<word>(?:[^\s+\-&|!(){}\[\]^"~:/\\]|\\.)(?:[^\s!(){}\[\]^"~:/\\]|\\.)*)|(?P<bad>\S))',
    re.DOTALL,
)
_QUANTIFIED_GROUP = re.compile(r"\([^()]*[*+{][^()]*\)[*+{]|\\[1-9]|\(\?")
Clause = tuple[str, Node]
"""How a node counts (`must`, `may` or `never`), and the node."""


def parse(text: str, mode: str, index: Index) -> Node:
    """Parse a query; raises 400 saying where it is malformed."""
    parser = _Parser(text, mode, index)
    node = parser.group()
    if parser.kind:
        parser.refuse(f"unexpected {parser.text!r}")
    return node


class _Parser:
    def __init__(self, text: str, mode: str, index: Index) -> None:
        self._query = text
        self._default = "must" if mode == "all" else "may"
        self._index = index
        self._tokens = [(str(token.lastgroup), token[str(token.lastgroup)]) for token in _TOKEN.finditer(text)]
        self._position = 0
        self._depth = 0
        self._field: Field | None = None

    @property
    def kind(self) -> str:
        return self._tokens[self._position][0] if self._position < len(self._tokens) else ""

    @property
    def text(self) -> str:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else "end of query"

    def refuse(self, why: str) -> NoReturn:
        raise bad_request(f"Failed to parse query string: {why} in {self._query[:200]!r}. Parameter name: search")

    def _take(self, kind: str, text: str | None = None) -> str | None:
        if self.kind != kind or (text is not None and self.text != text):
            return None
        text = self.text
        self._position += 1
        return text

    def group(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.refuse(f"more than {MAX_DEPTH} levels")
        clauses: list[Clause] = []
        while self.kind and self.text != ")":
            self._clause(clauses)
        self._depth -= 1
        if not clauses:
            self.refuse("nothing to search for")
        must, may, never = (tuple(node for kind, node in clauses if kind == occur) for occur in _OCCURS)
        return Group(must, may, never)

    def _clause(self, clauses: list[Clause]) -> None:
        joined = "and" if self._take("and") else "or" if self._take("or") else ""
        if joined and not clauses:
            self.refuse(f"{joined.upper()} has nothing before it")
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
                self.refuse("a ) is missing")
            return node
        if phrase := self._take("phrase"):
            slop = self._take("tilde")
            if slop and not slop[1:].isdigit():
                self.refuse(f"{slop!r} is not the distance of a phrase")
            return Phrase(_unescaped(phrase[1:-1]), int(slop[1:]) if slop else 0, fields=self._fields())
        if pattern := self._take("regex"):
            return Expansion(self._pattern(pattern[1:-1]), regex, fields=self._fields())
        word = self._take("word")
        if word is None:
            self.refuse(f"unexpected {self.text!r}" + (" (ranges: use a filter)" if self.text in ("[", "{") else ""))
        if self._take("mark", ":"):
            return self._in_field(word)
        return self._word(word)

    def _in_field(self, name: str) -> Node:
        before = self._field
        self._field = self._index.searchable(_unescaped(name), "search")
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
                self.refuse(f"{fuzzy!r} must be ~, ~0, ~1 or ~2")
            return Expansion(_unescaped(word), _fuzzy(int(edits)), fields=self._fields())
        bare = re.sub(r"\\.", "", word)
        if "*" in bare or "?" in bare:
            matcher = prefix if bare.endswith("*") and bare.count("*") == 1 and "?" not in bare else wildcard
            return Expansion(_unescaped(word[:-1] if matcher is prefix else word), matcher, fields=self._fields())
        return Phrase(_unescaped(word), fields=self._fields())

    def _pattern(self, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            self.refuse(f"/{text}/ is not a regular expression: {error}")
        if len(text) > MAX_REGEX_CHARACTERS or _QUANTIFIED_GROUP.search(text):
            features = "a repeated repetition, a reference, or a (?…) group"
            self.refuse(f"/{text}/ uses a feature that is not supported here: {features}")
        return text

    def _boosted(self, node: Node) -> Node:
        boost = self._take("boost")
        return replace(node, boost=float(boost[1:])) if boost else node


_OCCURS: Sequence[str] = ("must", "may", "never")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _fuzzy(edits: int) -> Matcher:
    return lambda text: lambda term: _within_edits(text, term, edits)


def _within_edits(word: str, term: str, limit: int) -> bool:
    """Whether `limit` insertions, deletions, changes or swaps of neighbours make the word into the term."""
    if abs(len(word) - len(term)) > limit:
        return False
    before: list[int] = []
    last = list(range(len(term) + 1))
    for row, char in enumerate(word, start=1):
        costs = [row]
        for column, other in enumerate(term, start=1):
            cost = min(costs[-1] + 1, last[column] + 1, last[column - 1] + (char != other))
            if row > 1 and column > 1 and char == term[column - 2] and word[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            costs.append(cost)
        if min(costs) > limit:
            return False
        before, last = last, costs
    return last[-1] <= limit
