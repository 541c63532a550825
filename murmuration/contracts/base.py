"""The two kinds of value: what crosses the durable boundary, and what comes in at the door."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class Contract(BaseModel):
    """A value that crosses the durable boundary as JSON.

    Frozen, because history is. Unknown fields are ignored, so that an older worker can still replay what a
    newer one wrote. Add fields with defaults; never rename one or change what it means.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


STRICT_INPUT = ConfigDict(frozen=True, extra="forbid", strict=True)


class Request(BaseModel):
    """A value that a caller sent. Unknown fields and near-miss types are refused, with the field's name."""

    model_config = STRICT_INPUT


def _no_number(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("is no text such as 2026-11-21T10:00:00Z")
    return value


Timestamp = Annotated[AwareDatetime, BeforeValidator(_no_number), Field(strict=False)]
"""A time at the door: ISO 8601 with its offset."""


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Reply(BaseModel):
    """A value that a model must produce; its JSON Schema is sent with the question.

    Strict structured output wants every field required, no defaults, and knows few keywords: so the schema, which is
    the one of serialization, has no limits, and what the values must satisfy is checked after parsing. A field with a
    default may be left out nevertheless, by models that are not held to the schema.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        json_schema_extra=_without_defaults,
    )
