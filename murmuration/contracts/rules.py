"""What an answer must satisfy whatever a model thinks of it."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from murmuration.contracts.base import STRICT_INPUT, Contract

MAX_WORDS = 100


class Rules(Contract):
    """Checked by code before a model is asked; what breaks one can't pass."""

    min_characters: int = 0
    max_characters: int | None = None
    forbidden_words: tuple[str, ...] = ()
    """Whole words or phrases, in whatever case."""
    citations: int = 0
    """How many different passages must be cited at least."""
    json_schema: dict[str, Any] | None = None
    """The answer, without its markers, must be JSON that satisfies this."""


class RulesRequest(Rules):
    """`Rules` at the door."""

    model_config = STRICT_INPUT

    min_characters: Annotated[int, Field(ge=0, le=100_000)] = 0
    max_characters: Annotated[int | None, Field(ge=1, le=100_000)] = None
    forbidden_words: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=MAX_WORDS, strict=False)
    ] = ()
    citations: Annotated[int, Field(ge=0, le=50)] = 0

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        from jsonschema import Draft202012Validator, SchemaError

        if schema is not None:
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                raise ValueError(f"is no JSON Schema: {error.message}") from None
        return schema

    @model_validator(mode="after")
    def _possible(self) -> "RulesRequest":
        if self.max_characters is not None and self.min_characters > self.max_characters:
            raise ValueError(f"min_characters {self.min_characters} is above max_characters {self.max_characters}")
        return self
