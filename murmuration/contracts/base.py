"""The two kinds of value: contracts, which the app passes on as JSON, and replies, which a model produces."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Contract(BaseModel):
    """A value that crosses the durable boundary or the HTTP API as JSON.

    Frozen, because history is. Unknown fields are ignored, so that an older worker can still replay what a newer one
    wrote; in a request they are refused (`murmuration.http.body`). Add fields with defaults; never rename one or
    change its meaning.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


def _check_numbers(value: dict[str, Any]) -> dict[str, Any]:
    json.dumps(value, allow_nan=False)
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_check_numbers)]
"""Any JSON object. Python's parsers accept NaN and infinities, which JSON does not have: they are refused here."""


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Reply(BaseModel):
    """A value that a model produces; its JSON Schema is sent along with the prompt.

    Strict structured output requires every field, allows no defaults, and knows few keywords. So the schema is the one
    of serialization and has no limits; values are checked after parsing. Models that are not held to the schema may
    leave out a field that has a default.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        json_schema_extra=_without_defaults,
    )
