"""Constraints on the values in a route, as in ASP.NET: `{x:int}`, `{x:length(2,4)}`, `{x:regex(^a+$)}`."""

import re
from collections.abc import Callable

from dateutil import parser as dates

Check = Callable[[str], object]
"""Returns something falsy, or raises `ValueError`, for a value that violates the constraint."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)")
_FLOAT = re.compile(_NUMBER.pattern + r"([eE][+-]?[0-9]+)?")
_HEX = "[0-9a-fA-F]"
_DASHED = f"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_GUID = re.compile(rf"{_HEX}{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)")


def _value(text: str) -> float:
    return int(text) if _INTEGER.fullmatch(text) else float("nan")


def _whole(bits: int) -> Check:
    return lambda text: -(2 ** (bits - 1)) <= _value(text) < 2 ** (bits - 1)


def _length(arguments: str) -> Check:
    first, _, second = arguments.partition(",")
    low, high = int(first), int(second or first)
    return lambda text: low <= len(text) <= high


def _range(arguments: str) -> Check:
    low, high = (int(argument) for argument in arguments.split(","))
    return lambda text: low <= _value(text) <= high


def _at_least(measure: Callable[[str], float], low: int) -> Check:
    return lambda text: measure(text) >= low


def _at_most(measure: Callable[[str], float], high: int) -> Check:
    return lambda text: measure(text) <= high


def _plain(check: Check) -> Callable[[str], Check]:
    """Make a constraint that takes no arguments."""
    return lambda _: check


_CONSTRAINTS: dict[str, Callable[[str], Check]] = {
    "int": _plain(_whole(32)),
    "long": _plain(_whole(64)),
    "bool": _plain(lambda text: text.lower() in ("true", "false")),
    "guid": _plain(_GUID.fullmatch),
    "alpha": _plain(re.compile("[A-Za-z]*").fullmatch),
    "decimal": _plain(_NUMBER.fullmatch),
    "double": _plain(_FLOAT.fullmatch),
    "float": _plain(_FLOAT.fullmatch),
    "datetime": _plain(dates.parse),
    "required": _plain(bool),
    "length": _length,
    "minlength": lambda argument: _at_least(len, int(argument)),
    "maxlength": lambda argument: _at_most(len, int(argument)),
    "min": lambda argument: _at_least(_value, int(argument)),
    "max": lambda argument: _at_most(_value, int(argument)),
    "range": _range,
    "regex": lambda argument: re.compile(argument, re.IGNORECASE).search,
}


def parse_constraint(text: str) -> Check:
    """Return the check for a constraint such as `min(2)`; raises `ValueError` for one that is unknown."""
    name, _, rest = text.partition("(")
    make_check = _CONSTRAINTS.get(name.lower())
    if make_check is None or (rest and not rest.endswith(")")):
        raise ValueError(f"there is no constraint {text!r}")
    try:
        return make_check(rest[:-1])
    except (ValueError, re.error) as error:
        raise ValueError(f"the constraint {text!r} can't be read: {error}") from error
