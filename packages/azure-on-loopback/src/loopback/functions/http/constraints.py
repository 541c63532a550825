"""What a value in a route must be, as ASP.NET reads it: `{x:int}`, `{x:length(2,4)}`, `{x:regex(^a+$)}`."""

import re
from collections.abc import Callable

from dateutil import parser as dates

Check = Callable[[str], object]
"""Falsy, or raises `ValueError`, for a value that does not do."""

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


def _length(given: str) -> Check:
    low, _, high = given.partition(",")
    least, most = int(low), int(high or low)
    return lambda text: least <= len(text) <= most


def _range(given: str) -> Check:
    low, high = (int(each) for each in given.split(","))
    return lambda text: low <= _value(text) <= high


def _at_least(measure: Callable[[str], float], least: int) -> Check:
    return lambda text: measure(text) >= least


def _at_most(measure: Callable[[str], float], most: int) -> Check:
    return lambda text: measure(text) <= most


def _plain(check: Check) -> Callable[[str], Check]:
    """A constraint that takes no arguments."""
    return lambda _: check


_KNOWN: dict[str, Callable[[str], Check]] = {
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
    "minlength": lambda given: _at_least(len, int(given)),
    "maxlength": lambda given: _at_most(len, int(given)),
    "min": lambda given: _at_least(_value, int(given)),
    "max": lambda given: _at_most(_value, int(given)),
    "range": _range,
    "regex": lambda given: re.compile(given, re.IGNORECASE).search,
}


def check_of(text: str) -> Check:
    """The check that a constraint such as `min(2)` stands for; raises `ValueError` for one that is unknown."""
    name, _, rest = text.partition("(")
    known = _KNOWN.get(name.lower())
    if known is None or (rest and not rest.endswith(")")):
        raise ValueError(f"there is no constraint {text!r}")
    try:
        return known(rest[:-1])
    except (ValueError, re.error) as error:
        raise ValueError(f"the constraint {text!r} can't be read: {error}") from error
