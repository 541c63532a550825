"""Route templates of HTTP triggers: `a/{b}`, `{b?}`, `{b=x}`, `{b:int:min(1)}`, `file.{ext}`, `{*rest}`."""

import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

Check = Callable[[str], object]
"""Raises `ValueError` or returns False for a value that does not do."""


def _number(value: str) -> float:
    return int(value) if re.fullmatch(r"[+-]?\d+", value) else float("nan")


def _length(given: str) -> Check:
    low, _, high = given.partition(",")
    least, most = int(low), int(high or low)
    return lambda value: least <= len(value) <= most


def _range(given: str) -> Check:
    low, high = (int(each) for each in given.split(","))
    return lambda value: low <= _number(value) <= high


def _at_least(measure: Callable[[str], float], least: int) -> Check:
    return lambda value: measure(value) >= least


def _at_most(measure: Callable[[str], float], most: int) -> Check:
    return lambda value: measure(value) <= most


def _constant(check: Check) -> Callable[[str], Check]:
    return lambda _: check


CONSTRAINTS: dict[str, Callable[[str], Check]] = {
    "int": _constant(lambda value: re.fullmatch(r"[+-]?\d+", value) and -(2**31) <= int(value) < 2**31),
    "long": _constant(lambda value: re.fullmatch(r"[+-]?\d+", value) and -(2**63) <= int(value) < 2**63),
    "bool": _constant(lambda value: value.lower() in ("true", "false")),
    "guid": _constant(lambda value: str(UUID(value))),
    "alpha": _constant(lambda value: re.fullmatch("[A-Za-z]*", value)),
    "decimal": _constant(lambda value: re.fullmatch(r"[+-]?\d*\.?\d+", value)),
    "double": _constant(lambda value: str(float(value))),
    "float": _constant(lambda value: str(float(value))),
    "datetime": _constant(lambda value: datetime.fromisoformat(value).isoformat()),
    "required": _constant(bool),
    "length": _length,
    "minlength": lambda given: _at_least(len, int(given)),
    "maxlength": lambda given: _at_most(len, int(given)),
    "min": lambda given: _at_least(_number, int(given)),
    "max": lambda given: _at_most(_number, int(given)),
    "range": _range,
    "regex": lambda given: re.compile(given, re.IGNORECASE).search,
}
_PARAMETER = re.compile(
    r"\{(?P<rest>\**)(?P<name>\w+)(?P<checks>(?::[^=?{}]+(?:\{[^{}]*\}[^=?{}]*)*)*)(?P<more>\?|=[^}]*)?\}"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?")


class Route:
    """A template below a prefix. Matching takes no notice of case."""

    def __init__(self, prefix: str, template: str) -> None:
        """Raises `ValueError` that quotes a template that can't be understood."""
        self.template = template.strip("/")
        self._checks: dict[str, list[Check]] = {}
        self._defaults: dict[str, str] = {}
        self.rank: list[int] = []
        expression = re.escape(f"/{prefix}") if prefix else ""
        for segment in filter(None, re.split(r"/(?![^{]*\})", self.template)):
            expression += self._segment(segment)
        self._expression = re.compile(expression + "/?", re.IGNORECASE)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path; None when it is not one of this route."""
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        given = {name: value for name, value in found.groupdict().items() if value}
        return {**self._defaults, **given} if all(self._does(name, value) for name, value in given.items()) else None

    def _does(self, name: str, value: str) -> bool:
        try:
            return all(check(value) for check in self._checks[name])
        except ValueError:
            return False

    def _segment(self, segment: str) -> str:
        parts = list(_PARAMETER.finditer(segment))
        literal = _PARAMETER.sub("", segment)
        if "{" in literal or "}" in literal:
            raise ValueError(f"the route {self.template!r} has a parameter that can't be read: {segment!r}")
        whole = len(parts) == 1 and not literal
        self.rank.append(self._rank(parts[0] if parts else None))
        expression, end = "", 0
        for part in parts:
            expression += re.escape(segment[end : part.start()]) + self._parameter(part, whole=whole)
            end = part.end()
        expression += re.escape(segment[end:])
        optional = whole and (parts[0]["more"] or parts[0]["rest"])
        return f"(?:/{expression})?" if optional else f"/{expression}"

    def _rank(self, parameter: re.Match[str] | None) -> int:
        """More exact routes are tried first."""
        if parameter is None:
            return 0
        return (3 if parameter["rest"] else 1) + (not parameter["checks"])

    def _parameter(self, part: re.Match[str], *, whole: bool) -> str:
        name = part["name"]
        if name in self._checks:
            raise ValueError(f"the route {self.template!r} names {name!r} twice")
        self._checks[name] = []
        for found in _CONSTRAINT.finditer(part["checks"]):
            try:
                self._checks[name].append(CONSTRAINTS[found[1].lower()](found[2] or ""))
            except (KeyError, ValueError, re.error) as error:
                raise ValueError(f"the route {self.template!r} has a constraint unknown here: {found[0]!r}") from error
        if (part["more"] or "").startswith("="):
            self._defaults[name] = part["more"][1:]
        return f"(?P<{name}>{'.*' if part['rest'] else '[^/]+' if whole else '[^/]+?'})"
