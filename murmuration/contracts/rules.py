"""Rules that an answer must satisfy, whatever a model thinks of it."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from murmuration.contracts.base import Contract, JsonObject

MAX_WORDS = 100


class Rules(Contract):
    """Limits that code checks before the evaluator is asked; an answer that breaks one can't pass."""

    min_characters: Annotated[int, Field(ge=0, le=100_000)] = 0
    max_characters: Annotated[int, Field(ge=1, le=100_000)] | None = None
    forbidden_words: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=MAX_WORDS)
    ] = ()
    """Whole words or phrases, in upper or lower case."""
    citations: Annotated[int, Field(ge=0, le=50)] = 0
    """How many different passages the answer must cite at least."""
    json_schema: JsonObject | None = None
    """The answer, without its markers, must be JSON that satisfies this schema (draft 2020-12)."""

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, schema: JsonObject | None) -> JsonObject | None:
        from jsonschema import Draft202012Validator, SchemaError  # slow to import, and few goals have a schema

        if schema is not None:
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                raise ValueError(f"is not a JSON Schema: {error.message}") from None
        return schema

    @model_validator(mode="after")
    def _can_be_kept(self) -> "Rules":
        if self.max_characters is not None and self.min_characters > self.max_characters:
            raise ValueError(f"min_characters {self.min_characters} is above max_characters {self.max_characters}")
        return self
