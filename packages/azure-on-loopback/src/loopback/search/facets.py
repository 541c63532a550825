"""Facets: how many of the documents found have which value.

name,count:20    name,sort:-count    price,values:10|20    price,interval:5    created,interval:month
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor
from typing import Any

from loopback.search.definitions import Field
from loopback.search.parameters import refused
from loopback.search.problems import ServiceProblem, bad
from loopback.search.table import Table
from loopback.search.values import instant, shown_one

DEFAULT_COUNT = 10
_SORTS = ("count", "-count", "value", "-value")
_INTERVALS = ("minute", "hour", "day", "week", "month", "quarter", "year")
_NUMBERS = ("Edm.Int32", "Edm.Int64", "Edm.Double")
Bucket = dict[str, Any]


def facets(table: Table, asked: Sequence[Any], rows: Sequence[int]) -> dict[str, list[Bucket]]:
    """By the field's name; raises 400 naming what is wrong."""
    result = {}
    for text in asked:
        name, *options = [part.strip() for part in str(text).split(",")]
        field = table.index.field(name, "facets")
        if not field.facetable:
            raise refused(name, "facetable", "facets")
        result[name] = _buckets(
            field, [value for _, value in table.documents.values(field, rows)], _options(str(text), options)
        )
    return result


def _options(text: str, parts: Sequence[str]) -> dict[str, str]:
    options = dict(part.split(":", 1) for part in parts if ":" in part)
    if len(options) != len(parts) or options.keys() - {"count", "sort", "values", "interval"}:
        raise _wrong(text, "there are count, sort, values and interval")
    if len(options.keys() & {"values", "interval"}) and len(options) > 1:
        raise _wrong(text, "values or interval can't be combined with anything else")
    if not options.get("count", "1").isdigit() or int(options.get("count", "1")) < 1:
        raise _wrong(text, "count must be a number of at least 1")
    if options.get("sort", "count") not in _SORTS:
        raise _wrong(text, f"sort must be one of {', '.join(_SORTS)}")
    return options


def _wrong(text: str, why: str) -> ServiceProblem:
    return bad(f"Invalid facet {text!r}: {why}. Parameter name: facets")


def _buckets(field: Field, values: list[Any], options: dict[str, str]) -> list[Bucket]:
    if "values" in options:
        return _ranges(field, values, options["values"])
    if "interval" in options:
        counted = Counter(_floor(field, value, options["interval"]) for value in values)
        return [{"value": value, "count": counted[value]} for value in sorted(counted)]
    sort = options.get("sort", "count")
    counted = Counter(values)
    found = sorted(counted.items(), key=lambda each: each[0], reverse=sort == "-value")
    if sort.endswith("count"):
        found.sort(key=lambda each: each[1], reverse=sort == "count")
    some = found[: int(options.get("count", DEFAULT_COUNT))]
    return [{"value": _shown(field, value), "count": count} for value, count in some]


def _shown(field: Field, value: Any) -> Any:
    return bool(value) if field.base == "Edm.Boolean" else shown_one(field.base, value)


def _ranges(field: Field, values: list[Any], text: str) -> list[Bucket]:
    """Below the first bound, from bound to bound, from the last on."""
    try:
        bounds: list[Any] = [
            instant(part) if field.base == "Edm.DateTimeOffset" else float(part) for part in text.split("|")
        ]
    except ValueError:
        raise _wrong(f"{field.name},values:{text}", "the values must be numbers or moments") from None
    if field.base not in (*_NUMBERS, "Edm.DateTimeOffset") or any(low >= high for low, high in pairwise(bounds)):
        raise _wrong(f"{field.name},values:{text}", "the values must ascend, of a field of numbers or moments")
    counts = Counter(bisect_right(bounds, value) for value in values)
    buckets = []
    for place in range(len(bounds) + 1):
        bucket: Bucket = {"count": counts[place]}
        if place:
            bucket["from"] = _bound(field, bounds[place - 1])
        if place < len(bounds):
            bucket["to"] = _bound(field, bounds[place])
        buckets.append(bucket)
    return buckets


def _bound(field: Field, value: Any) -> Any:
    if field.base == "Edm.DateTimeOffset":
        return shown_one(field.base, value)
    return int(value) if field.base != "Edm.Double" else value


def _floor(field: Field, value: Any, interval: str) -> Any:
    """Where the interval begins that a value lies in; the intervals of numbers begin at multiples, those of moments
    at midnight UTC, weeks on Sundays."""
    if field.base == "Edm.DateTimeOffset" and interval in _INTERVALS:
        begin = _floor_moment(datetime.fromisoformat(value), interval)
        return shown_one(field.base, instant(begin.isoformat()))
    if field.base in _NUMBERS:
        try:
            width = float(interval)
        except ValueError:
            width = 0
        if width > 0:
            return _bound(field, floor(value / width) * width)
    raise _wrong(f"{field.name},interval:{interval}", f"a number above 0, or of moments one of {', '.join(_INTERVALS)}")


def _floor_moment(moment: datetime, interval: str) -> datetime:
    if interval == "minute":
        return moment.replace(second=0, microsecond=0)
    if interval == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if interval == "day":
        return day
    months = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}
    return day.replace(day=1, month=months[interval])
