"""What a document's values must be, how they are kept and how they are shown."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np

from loopback.search.definitions import Field
from loopback.search.problems import bad

_KEY = re.compile(r"[A-Za-z0-9_\-=]{1,1024}")
_RANGES = {"Edm.Int32": 2**31, "Edm.Int64": 2**63}


def check_key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        shown = repr(value)[:80]
        raise bad(f"Invalid document key: {shown}. Keys can only contain letters, digits, _, -, or =, at most 1024.")
    return value


def checked(field: Field, value: Any) -> Any:
    """A document's value as it is kept, a vector as an array; raises 400 naming the field."""
    if value is None:
        return [] if field.is_collection and not field.is_vector else None
    try:
        if field.is_vector:
            return _vector(field, value)
        if field.is_collection:
            if not isinstance(value, list):
                raise TypeError
            return [_single(field.base, each) for each in value]
        return _single(field.base, value)
    except (TypeError, ValueError):
        shown = repr(value)[:80]
        raise bad(f"Cannot convert a value to type '{field.type}': field '{field.name}', value {shown}.") from None


def _single(base: str, value: Any) -> Any:
    match base:
        case "Edm.String" if isinstance(value, str):
            return value
        case "Edm.Int32" | "Edm.Int64" if isinstance(value, int) and not isinstance(value, bool):
            if -_RANGES[base] <= value < _RANGES[base]:
                return value
        case "Edm.Double" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "Edm.Boolean" if isinstance(value, bool):
            return value
        case "Edm.DateTimeOffset" if isinstance(value, str):
            return instant(value)
    raise ValueError


def _vector(field: Field, value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError
    if len(value) != field.dimensions:
        message = f"There's a mismatch in vector dimensions. The vector field '{field.name}'"
        raise bad(f"{message} expects a length of '{field.dimensions}', the value has '{len(value)}'.")
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf" or numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError
    if not numbers.any():
        raise bad(f"The vector of field '{field.name}' is all zeros, which has no cosine to anything.")
    return numbers.astype(np.float32)


def instant(text: str) -> str:
    """A moment in UTC, written so that texts sort as moments do."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(field: Field, value: Any) -> Any:
    """A kept value as answers carry it."""
    return [shown_one(field.base, each) for each in value] if isinstance(value, list) else shown_one(field.base, value)


def shown_one(base: str, value: Any) -> Any:
    """Moments without fractions of zero."""
    if base == "Edm.DateTimeOffset" and value is not None:
        return value.removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
    return value
