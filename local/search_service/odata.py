"""The filter language of Azure AI Search, compiled to SQL over the rows of one index.

    or := and ('or' and)*      and := not ('and' not)*      not := 'not' not | '(' or ')' | comparison
    comparison := field (eq|ne|gt|ge|lt|le) literal | search.in(field, 'a|b', '|')
                | field/any(x: x eq 'a') | field/all(…) | a Boolean field

Values never become SQL text: they are parameters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.search_service.definitions import Field, Index, instant
from local.search_service.problems import bad

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<date>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<mark>[(),:/]))"
)
_COMPARES = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
MAX_DEPTH = 100


@dataclass(frozen=True)
class Clause:
    """A condition in SQL on the table `documents`, and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


def compile_filter(text: str, index: Index) -> Clause:
    """Raises 400 that says where the filter is wrong."""
    return _Parser(text, index).parse()


def column(field: Field) -> str:
    """Where a field's value is in a row; the name has been checked by the index definition."""
    return f"json_extract(body, '$.{field.name}')"


class _Parser:
    def __init__(self, text: str, index: Index) -> None:
        self._text = text
        self._index = index
        self._tokens = list(self._split())
        self._place = 0
        self._depth = 0

    def _split(self) -> Iterator[tuple[str, str]]:
        end = 0
        while end < len(self._text.rstrip()):
            found = _TOKEN.match(self._text, end)
            if found is None:
                raise self._wrong(f"syntax error at position {end}")
            yield str(found.lastgroup), found[str(found.lastgroup)]
            end = found.end()

    def _wrong(self, why: str) -> Exception:
        return bad(f"Invalid expression: {why} in '{self._text[:200]}'. Parameter name: $filter")

    def parse(self) -> Clause:
        clause = self._or()
        if self._place < len(self._tokens):
            raise self._wrong(f"unexpected {self._peek()[1]!r}")
        return clause

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "end of filter")

    def _next(self, kind: str | None = None, value: str | None = None) -> str:
        got_kind, got = self._peek()
        if (kind is not None and got_kind != kind) or (value is not None and got != value):
            raise self._wrong(f"expected {value or kind}, found {got!r}")
        self._place += 1
        return got

    def _or(self) -> Clause:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong(f"more than {MAX_DEPTH} levels")
        clause = self._and()
        while self._peek() == ("name", "or"):
            self._next()
            clause = _joined(clause, "OR", self._and())
        self._depth -= 1
        return clause

    def _and(self) -> Clause:
        clause = self._not()
        while self._peek() == ("name", "and"):
            self._next()
            clause = _joined(clause, "AND", self._not())
        return clause

    def _not(self) -> Clause:
        if self._peek() == ("name", "not"):
            self._next()
            inner = self._not()
            return Clause(f"NOT coalesce({inner.sql}, 0)", inner.values)
        if self._peek() == ("mark", "("):
            self._next()
            clause = self._or()
            self._next("mark", ")")
            return Clause(f"({clause.sql})", clause.values)
        return self._comparison()

    def _comparison(self) -> Clause:
        name = self._next("name")
        if name == "search.in":
            return self._search_in(None)
        field = self._filterable(name)
        if self._peek() == ("mark", "/"):
            return self._lambda(field)
        if self._peek()[1] not in _COMPARES and field.type == "Edm.Boolean":
            return Clause(f"{column(field)}=1")
        return self._compared(field, column(field))

    def _filterable(self, name: str) -> Field:
        field = self._index.field(name, "$filter")
        if not field.filterable:
            raise self._wrong(f"'{name}' is not a filterable field")
        return field

    def _compared(self, field: Field, sql: str) -> Clause:
        operator = self._next("name")
        if operator not in _COMPARES:
            raise self._wrong(f"expected a comparison, found {operator!r}")
        value = self._literal(field)
        if value is None:
            if operator not in ("eq", "ne"):
                raise self._wrong("null can only be compared with eq and ne")
            return Clause(f"{sql} IS {'NOT ' if operator == 'ne' else ''}NULL")
        if operator == "ne":
            return Clause(f"({sql} IS NULL OR {sql}<>?)", (value,))
        return Clause(f"{sql}{_COMPARES[operator]}?", (value,))

    def _literal(self, field: Field) -> Any:
        kind, text = self._peek()
        self._next()
        base = field.type.removeprefix("Collection(").removesuffix(")")
        if (kind, text) == ("name", "null"):
            return None
        if kind == "string" and base == "Edm.String":
            return text[1:-1].replace("''", "'")
        if kind == "number" and base in ("Edm.Int32", "Edm.Int64", "Edm.Double"):
            return float(text)
        if kind == "date" and base == "Edm.DateTimeOffset":
            try:
                return instant(text)
            except ValueError:
                raise self._wrong(f"{text!r} is no moment") from None
        if kind == "name" and text in ("true", "false") and base == "Edm.Boolean":
            return int(text == "true")
        raise self._wrong(f"{text!r} can't be compared with '{field.name}' of type {field.type}")

    def _search_in(self, variable: tuple[str, Field] | None) -> Clause:
        self._next("mark", "(")
        name = self._next("name")
        if variable is not None and name == variable[0]:
            field, sql = variable[1], "value"
        else:
            field = self._filterable(name)
            sql = column(field)
        self._next("mark", ",")
        values = self._next("string")[1:-1].replace("''", "'")
        separators = ", "
        if self._peek() == ("mark", ","):
            self._next()
            separators = self._next("string")[1:-1].replace("''", "'")
        self._next("mark", ")")
        wanted = re.split(f"[{re.escape(separators)}]", values) if separators else [values]
        marks = ",".join("?" * len(wanted))
        return Clause(f"{sql} IN ({marks})", tuple(each for each in wanted))

    def _lambda(self, field: Field) -> Clause:
        self._next("mark", "/")
        quantifier = self._next("name")
        if quantifier not in ("any", "all") or not field.type.startswith("Collection("):
            raise self._wrong(f"'{field.name}/{quantifier}' is not possible")
        rows = f"json_each(body, '$.{field.name}')"
        self._next("mark", "(")
        if quantifier == "any" and self._peek() == ("mark", ")"):
            self._next()
            return Clause(f"EXISTS (SELECT 1 FROM {rows})")  # noqa: S608 - the name is a checked field's
        variable = self._next("name")
        self._next("mark", ":")
        name = self._next("name")
        if name == "search.in":
            inner = self._search_in((variable, field))
        elif name == variable:
            inner = self._compared(field, "value")
        else:
            raise self._wrong(f"expected '{variable}', found {name!r}")
        self._next("mark", ")")
        negated = "NOT " if quantifier == "all" else ""
        return Clause(f"{negated}EXISTS (SELECT 1 FROM {rows} WHERE {negated}({inner.sql}))", inner.values)  # noqa: S608


def _joined(left: Clause, word: str, right: Clause) -> Clause:
    return Clause(f"({left.sql} {word} {right.sql})", left.values + right.values)
