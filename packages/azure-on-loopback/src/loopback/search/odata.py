"""The filter language of Azure AI Search, compiled to SQL over the rows of one index.

    or := and ('or' and)*      and := not ('and' not)*      not := 'not' not | '(' or ')' | test
    test := field (eq|ne|gt|ge|lt|le) literal | literal (eq|…) field | search.in(field, 'a|b', '|') | true | false
          | field/any() | field/any(x: or) | field/all(x: or) | a Boolean field

Values never become SQL text: they are parameters.
"""

import re
from dataclasses import dataclass
from typing import Any

from loopback.search.definitions import Field, Index
from loopback.search.odata_tokens import Token, Tokens

_COMPARES = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MIRRORED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
MAX_DEPTH = 100
_EQUALITY_ONLY = ("Edm.String", "Edm.Boolean")
"""In collections of these, `any` takes only equality joined by `or`, and `all` only inequality joined by `and`."""


@dataclass(frozen=True)
class Clause:
    """A condition in SQL on the table of documents, and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _Element:
    """An element of a collection, which the variable of a lambda stands for."""

    variable: str
    field: Field
    quantifier: str

    @property
    def equality_only(self) -> bool:
        return self.field.base in _EQUALITY_ONLY


def compile_filter(text: str, index: Index) -> Clause:
    """Compile a filter; raises 400 that says where it is wrong."""
    if not isinstance(text, str):
        raise Tokens("").invalid("a filter must be a text")
    return _Parser(text, index).parse()


def column(field: Field) -> str:
    """Return the SQL of a field's value in a row; the index definition has checked the name."""
    return f"json_extract(body, '$.{field.name}')"


class _Parser:
    def __init__(self, text: str, index: Index) -> None:
        self._tokens = Tokens(text)
        self._invalid = self._tokens.invalid
        self._index = index
        self._depth = 0
        self._element: _Element | None = None

    def parse(self) -> Clause:
        clause = self._or()
        if not self._tokens.at_end:
            raise self._invalid(f"unexpected {self._tokens.peek()[1]!r}")
        return clause

    def _or(self) -> Clause:
        self._enter_level()
        clauses = [self._and()]
        while self._tokens.take("name", "or"):
            self._check_joined("or")
            clauses.append(self._and())
        self._depth -= 1
        return _joined("OR", clauses)

    def _enter_level(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._invalid(f"more than {MAX_DEPTH} levels")

    def _check_joined(self, word: str) -> None:
        element = self._element
        if element is not None and element.equality_only and (word == "or") != (element.quantifier == "any"):
            raise self._invalid(f"'{word}' can't be used in '{element.quantifier}' over {element.field.type}")

    def _and(self) -> Clause:
        clauses = [self._not()]
        while self._tokens.take("name", "and"):
            self._check_joined("and")
            clauses.append(self._not())
        return _joined("AND", clauses)

    def _not(self) -> Clause:
        if self._tokens.take("name", "not"):
            self._enter_level()
            inner = self._not()
            self._depth -= 1
            return Clause(f"NOT coalesce({inner.sql}, 0)", inner.values)
        if self._tokens.take("mark", "("):
            clause = self._or()
            self._tokens.next("mark", ")")
            return Clause(f"({clause.sql})", clause.values)
        return self._test()

    def _test(self) -> Clause:
        if self._tokens.at_literal():
            return self._literal_first()
        name = self._tokens.next("name")
        if name == "search.in":
            return self._search_in()
        if name.startswith(("geo.", "search.")):
            raise self._invalid(f"the function '{name}' is not supported here")
        field, sql = self._variable(name)
        if self._tokens.take("mark", "/"):
            return self._lambda(field)
        if self._tokens.peek()[1] not in _COMPARES and field.base == "Edm.Boolean" and sql != field.name:
            return Clause(f"{sql}=1")
        operator = self._operator()
        return self._compared(field, sql, operator, self._tokens.literal(field))

    def _literal_first(self) -> Clause:
        token: Token = (self._tokens.peek()[0], self._tokens.next())
        if token[1] in ("true", "false") and self._tokens.peek()[1] not in _COMPARES:
            return Clause("1" if token[1] == "true" else "0")
        operator = self._operator()
        field, sql = self._variable(self._tokens.next("name"))
        return self._compared(field, sql, _MIRRORED[operator], self._tokens.literal(field, token))

    def _operator(self) -> str:
        operator = self._tokens.next("name")
        if operator not in _COMPARES:
            raise self._invalid(f"expected a comparison, found {operator!r}")
        return operator

    def _variable(self, name: str) -> tuple[Field, str]:
        """Return the field that a name stands for, and the SQL of its value."""
        if self._element is not None:
            if name != self._element.variable:
                raise self._invalid(f"expected '{self._element.variable}', found {name!r}")
            return self._element.field, "value"
        field = self._index.field(name, "$filter")
        if not field.filterable:
            raise self._invalid(f"'{name}' is not a filterable field")
        return field, column(field)

    def _compared(self, field: Field, sql: str, operator: str, value: Any) -> Clause:
        if field.is_collection and self._element is None:
            raise self._invalid(f"'{field.name}' is a collection: use any or all")
        element = self._element
        if element is not None and element.equality_only and operator != {"any": "eq", "all": "ne"}[element.quantifier]:
            raise self._invalid(f"'{operator}' can't be used in '{element.quantifier}' over {field.type}")
        if field.base == "Edm.Boolean" and operator not in ("eq", "ne"):
            raise self._invalid(f"'{operator}' can't be used with '{field.name}' of type {field.type}")
        if value is None:
            if operator not in ("eq", "ne"):
                raise self._invalid("null can only be compared with eq and ne")
            return Clause(f"{sql} IS {'NOT ' if operator == 'ne' else ''}NULL")
        if operator == "ne":
            return Clause(f"({sql} IS NULL OR {sql}<>?)", (value,))
        return Clause(f"{sql}{_COMPARES[operator]}?", (value,))

    def _search_in(self) -> Clause:
        self._tokens.next("mark", "(")
        field, sql = self._variable(self._tokens.next("name"))
        if field.base != "Edm.String" or (field.is_collection and self._element is None):
            raise self._invalid(f"search.in takes a string, '{field.name}' is of type {field.type}")
        self._tokens.next("mark", ",")
        values = self._tokens.string()
        separators = self._tokens.string() if self._tokens.take("mark", ",") else ", "
        self._tokens.next("mark", ")")
        parts = re.split(f"[{re.escape(separators)}]", values) if separators else [values]
        return Clause(f"{sql} IN ({','.join('?' * len(parts))})", tuple(parts))

    def _lambda(self, field: Field) -> Clause:
        quantifier = self._tokens.next("name")
        if quantifier not in ("any", "all") or not field.is_collection or self._element is not None:
            raise self._invalid(f"'{field.name}/{quantifier}' can't be used here")
        rows = f"json_each(body, '$.{field.name}')"
        self._tokens.next("mark", "(")
        if quantifier == "any" and self._tokens.take("mark", ")"):
            return Clause(f"EXISTS (SELECT 1 FROM {rows})")  # noqa: S608 - the name is a checked field's
        self._element = _Element(self._tokens.next("name"), field, quantifier)
        self._tokens.next("mark", ":")
        inner = self._or()
        self._element = None
        self._tokens.next("mark", ")")
        negated = "NOT " if quantifier == "all" else ""
        return Clause(f"{negated}EXISTS (SELECT 1 FROM {rows} WHERE {negated}({inner.sql}))", inner.values)  # noqa: S608


def _joined(word: str, clauses: list[Clause]) -> Clause:
    """Join the clauses side by side, not nested: SQLite limits the depth of an expression."""
    if len(clauses) == 1:
        return clauses[0]
    values = tuple(value for clause in clauses for value in clause.values)
    return Clause(f"({f' {word} '.join(clause.sql for clause in clauses)})", values)
