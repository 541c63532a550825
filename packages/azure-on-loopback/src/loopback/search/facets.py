"""Facets: counts of matching documents by value, range or interval.

name,count:20    name,sort:-count    price,values:10|20    price,interval:5    created,interval:month
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor
from operator import itemgetter
from typing import Any

from loopback.search.definitions import Field
from loopback.search.errors import ApiError, bad_request
from loopback.search.parameters import lacks_attribute
from loopback.search.table import Table
from loopback.search.values import returned_element, stored_timestamp

DEFAULT_COUNT = 10
_SORTS = ("count", "-count", "value", "-value")
_INTERVALS = ("minute", "hour", "day", "week", "month", "quarter", "year")
_NUMBERS = ("Edm.Int32", "Edm.Int64", "Edm.Double")
_TIMESTAMP = "Edm.DateTimeOffset"
Bucket = dict[str, Any]


def count_facets(table: Table, expressions: Sequence[Any], rows: Sequence[int]) -> dict[str, list[Bucket]]:
    """Count the facets over the rows, by the field's name; raises 400 naming what is wrong."""
    facets = {}
    for expression in map(str, expressions):
        name, *options = [part.strip() for part in expression.split(",")]
        field = table.index.field(name, "facets")
        if not field.facetable:
            raise lacks_attribute(name, "facetable", "facets")
        values = [value for _, value in table.documents.values(field, rows)]
        facets[name] = _buckets(field, values, _options(expression, options))
    return facets


def _options(expression: str, parts: Sequence[str]) -> dict[str, str]:
    options = dict(part.split(":", 1) for part in parts if ":" in part)
    if len(options) != len(parts) or options.keys() - {"count", "sort", "values", "interval"}:
        raise _invalid(expression, "the options are count, sort, values and interval")
    if len(options.keys() & {"values", "interval"}) and len(options) > 1:
        raise _invalid(expression, "values or interval can't be combined with another option")
    if not options.get("count", "1").isdigit() or int(options.get("count", "1")) < 1:
        raise _invalid(expression, "count must be a number of at least 1")
    if options.get("sort", "count") not in _SORTS:
        raise _invalid(expression, f"sort must be one of {', '.join(_SORTS)}")
    return options


def _invalid(expression: str, why: str) -> ApiError:
    return bad_request(f"Invalid facet {expression!r}: {why}. Parameter name: facets")


def _buckets(field: Field, values: list[Any], options: dict[str, str]) -> list[Bucket]:
    if "values" in options:
        return _ranges(field, values, options["values"])
    if "interval" in options:
        counts = Counter(_interval_start(field, value, options["interval"]) for value in values)
        return [{"value": value, "count": counts[value]} for value in sorted(counts)]
    sort = options.get("sort", "count")
    counted = sorted(Counter(values).items(), key=itemgetter(0), reverse=sort == "-value")
    if sort.endswith("count"):
        counted.sort(key=itemgetter(1), reverse=sort == "count")
    top = counted[: int(options.get("count", DEFAULT_COUNT))]
    return [{"value": _returned(field, value), "count": count} for value, count in top]


def _returned(field: Field, value: Any) -> Any:
    return bool(value) if field.base == "Edm.Boolean" else returned_element(field.base, value)


def _ranges(field: Field, values: list[Any], text: str) -> list[Bucket]:
    """Count the values below the first bound, between two bounds, and from the last bound on."""
    expression = f"{field.name},values:{text}"
    try:
        bounds: list[Any] = [
            stored_timestamp(part) if field.base == _TIMESTAMP else float(part) for part in text.split("|")
        ]
    except ValueError:
        raise _invalid(expression, "the values must be numbers or timestamps") from None
    if field.base not in (*_NUMBERS, _TIMESTAMP) or any(low >= high for low, high in pairwise(bounds)):
        raise _invalid(expression, "the values must ascend, and the field must hold numbers or timestamps")
    counts = Counter(bisect_right(bounds, value) for value in values)
    buckets = []
    for number in range(len(bounds) + 1):
        bucket: Bucket = {"count": counts[number]}
        if number:
            bucket["from"] = _bound(field, bounds[number - 1])
        if number < len(bounds):
            bucket["to"] = _bound(field, bounds[number])
        buckets.append(bucket)
    return buckets


def _bound(field: Field, value: Any) -> Any:
    if field.base == _TIMESTAMP:
        return returned_element(field.base, value)
    return int(value) if field.base != "Edm.Double" else value


def _interval_start(field: Field, value: Any, interval: str) -> Any:
    """Return the start of the interval that a value lies in.

    Intervals of numbers start at multiples, those of timestamps at midnight UTC, weeks on Sundays.
    """
    if field.base == _TIMESTAMP and interval in _INTERVALS:
        start = _calendar_start(datetime.fromisoformat(value), interval)
        return returned_element(field.base, stored_timestamp(start.isoformat()))
    if field.base in _NUMBERS:
        try:
            width = float(interval)
        except ValueError:
            width = 0
        if width > 0:
            return _bound(field, floor(value / width) * width)
    why = f"the interval must be a number above 0, or for timestamps one of {', '.join(_INTERVALS)}"
    raise _invalid(f"{field.name},interval:{interval}", why)


def _calendar_start(timestamp: datetime, interval: str) -> datetime:
    if interval == "minute":
        return timestamp.replace(second=0, microsecond=0)
    if interval == "hour":
        return timestamp.replace(minute=0, second=0, microsecond=0)
    day = timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if interval == "day":
        return day
    months = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}
    return day.replace(day=1, month=months[interval])
