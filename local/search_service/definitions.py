"""Index definitions: what a field is, and what makes a definition or a document wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from local.search_service.problems import bad

VECTOR = "Collection(Edm.Single)"
TYPES = {
    "Edm.String",
    "Edm.Int32",
    "Edm.Int64",
    "Edm.Double",
    "Edm.Boolean",
    "Edm.DateTimeOffset",
    "Collection(Edm.String)",
    VECTOR,
}
MAX_DIMENSIONS = 4096
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_KEY = re.compile(r"[A-Za-z0-9_\-=]{1,1024}")


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    key: bool
    searchable: bool
    filterable: bool
    sortable: bool
    retrievable: bool
    dimensions: int
    analyzer: str

    @property
    def is_text(self) -> bool:
        return self.searchable and self.type in ("Edm.String", "Collection(Edm.String)")

    @property
    def is_vector(self) -> bool:
        return self.type == VECTOR


@dataclass(frozen=True)
class Index:
    name: str
    body: Mapping[str, Any]
    fields: Mapping[str, Field]

    @cached_property
    def key(self) -> Field:
        return next(field for field in self.fields.values() if field.key)

    @cached_property
    def text_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields.values() if field.is_text)

    @cached_property
    def vector_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields.values() if field.is_vector)

    def field(self, name: str, what: str) -> Field:
        """The field that `what` (a parameter's name) asks for; raises 400 when there is none."""
        found = self.fields.get(name)
        if found is None:
            raise bad(f"Invalid expression: Could not find a property named '{name}' on index '{self.name}' ({what}).")
        return found

    def weights(self, profile: str | None) -> dict[str, float]:
        """The weight of each text field under a scoring profile, the default one if none is named."""
        wanted = profile or self.body.get("defaultScoringProfile")
        weights = {field.name: 1.0 for field in self.text_fields}
        if wanted is None:
            return weights
        for each in self.body.get("scoringProfiles") or []:
            if each["name"] == wanted:
                return {**weights, **((each.get("text") or {}).get("weights") or {})}
        raise bad(f"The scoring profile '{wanted}' does not exist on index '{self.name}'.")


def index_from(body: Any) -> Index:
    """Checks a definition; raises 400 naming what is wrong."""
    if not isinstance(body, dict) or not _NAME.fullmatch(str(body.get("name", ""))):
        name = body.get("name") if isinstance(body, dict) else body
        raise bad(f"Index name {name!r} must be lower-case letters, digits and dashes, at most 128.")
    rows = body.get("fields")
    if not isinstance(rows, list) or not rows:
        raise bad(f"Index '{body['name']}' has no fields.")
    fields: dict[str, Field] = {}
    for row in rows:
        field = _field(row)
        if field.name in fields:
            raise bad(f"Field '{field.name}' is defined twice.")
        fields[field.name] = field
    keys = [field for field in fields.values() if field.key]
    if len(keys) != 1 or keys[0].type != "Edm.String":
        raise bad(f"Index '{body['name']}' must have exactly one key field, of type Edm.String.")
    return Index(body["name"], body, fields)


def _field(row: Any) -> Field:
    name, kind = str(row.get("name", "")), str(row.get("type", ""))
    if not _FIELD.fullmatch(name):
        raise bad(f"Field name {name!r} is not valid.")
    if kind not in TYPES:
        raise bad(f"Field '{name}' has type {kind!r}, which is not supported here.")
    vector = kind == VECTOR
    dimensions = int(row.get("dimensions") or 0)
    if vector and not (2 <= dimensions <= MAX_DIMENSIONS and row.get("vectorSearchProfile")):
        raise bad(f"Vector field '{name}' needs 2 to {MAX_DIMENSIONS} dimensions and a vectorSearchProfile.")
    return Field(
        name=name,
        type=kind,
        key=bool(row.get("key")),
        searchable=bool(row.get("searchable", "String" in kind)),
        filterable=bool(row.get("filterable", not vector)),
        sortable=bool(row.get("sortable", not vector and "Collection" not in kind)),
        retrievable=bool(row.get("retrievable", True)),
        dimensions=dimensions,
        analyzer=str(row.get("analyzer") or "standard.lucene"),
    )


def check_key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise bad(f"Invalid document key: {value!r}. Keys can only contain letters, digits, _, -, or =.")
    return value


def checked(field: Field, value: Any) -> Any:
    """A document's value as it is kept; raises 400 naming the field."""
    if value is None:
        return None
    try:
        return _converted(field, value)
    except (TypeError, ValueError):
        raise bad(f"Cannot convert a value to type '{field.type}': field '{field.name}', value {value!r}.") from None


def _converted(field: Field, value: Any) -> Any:
    match field.type:
        case "Edm.String" if isinstance(value, str):
            return value
        case "Collection(Edm.String)" if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
        case "Edm.Int32" | "Edm.Int64" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "Edm.Double" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "Edm.Boolean" if isinstance(value, bool):
            return value
        case "Edm.DateTimeOffset":
            return instant(value)
        case "Collection(Edm.Single)" if isinstance(value, list):
            if len(value) != field.dimensions:
                message = f"There's a mismatch in vector dimensions. The vector field '{field.name}'"
                raise bad(f"{message} expects a length of '{field.dimensions}', the value has '{len(value)}'.")
            return [float(each) for each in value]
    raise ValueError


def instant(text: str) -> str:
    """A moment in UTC, written so that texts sort as moments do."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
