"""The values of documents: how they are checked, stored and returned."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np

from loopback.search.definitions import Field
from loopback.search.errors import bad_request

_KEY = re.compile(r"[A-Za-z0-9_\-=]{1,1024}")
_RANGES = {"Edm.Int32": 2**31, "Edm.Int64": 2**63}


def check_key(value: Any) -> str:
    """Return the key of a document; raises 400 when it is none."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        quoted = repr(value)[:80]
        message = f"Invalid document key: {quoted}. Keys can only contain letters, digits, _, -, or =, at most 1024."
        raise bad_request(message)
    return value


def stored_value(field: Field, value: Any) -> Any:
    """Check a document's value and convert it to its stored form, a vector to an array; raises 400 naming the field."""
    if value is None:
        return [] if field.is_collection and not field.is_vector else None
    try:
        if field.is_vector:
            return _vector(field, value)
        if field.is_collection:
            if not isinstance(value, list):
                raise TypeError
            return [_stored_element(field.base, element) for element in value]
        return _stored_element(field.base, value)
    except (TypeError, ValueError):
        quoted = repr(value)[:80]
        message = f"Cannot convert a value to type '{field.type}': field '{field.name}', value {quoted}."
        raise bad_request(message) from None


def _stored_element(base: str, value: Any) -> Any:
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
            return stored_timestamp(value)
    raise ValueError


def _vector(field: Field, value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError
    if len(value) != field.dimensions:
        message = f"There's a mismatch in vector dimensions. The vector field '{field.name}'"
        raise bad_request(f"{message} expects a length of '{field.dimensions}', the value has '{len(value)}'.")
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf" or numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError
    if not numbers.any():
        raise bad_request(f"The vector of field '{field.name}' is all zeros, so it has no cosine with any vector.")
    return numbers.astype(np.float32)


def stored_timestamp(text: str) -> str:
    """Convert a timestamp with an offset to UTC, in a form that sorts as text; raises `ValueError`."""
    timestamp = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if timestamp.tzinfo is None:
        raise ValueError("a timestamp needs an offset")
    return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def returned_value(field: Field, value: Any) -> Any:
    """Convert a stored value to the form that answers carry."""
    if isinstance(value, list):
        return [returned_element(field.base, element) for element in value]
    return returned_element(field.base, value)


def returned_element(base: str, value: Any) -> Any:
    """Convert one stored element; timestamps lose fractions of zero."""
    if base == "Edm.DateTimeOffset" and value is not None:
        return value.removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
    return value
