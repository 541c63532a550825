"""Index definitions: fields, scoring profiles, semantic configurations. `checks` makes them from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from loopback.search.errors import bad_request

VECTOR = "Collection(Edm.Single)"


@dataclass(frozen=True)
class Field:
    """A field with its attributes, as the definition or the service's defaults set them."""

    name: str
    type: str
    key: bool
    searchable: bool
    filterable: bool
    sortable: bool
    facetable: bool
    retrievable: bool
    dimensions: int
    profile: str
    """The vector search profile; empty for other fields."""
    analyzer: str

    @cached_property
    def base(self) -> str:
        """The type of one element."""
        return self.type.removeprefix("Collection(").removesuffix(")")

    @cached_property
    def is_collection(self) -> bool:
        return self.type.startswith("Collection(")

    @cached_property
    def is_text(self) -> bool:
        return self.searchable and self.base == "Edm.String"

    @cached_property
    def is_vector(self) -> bool:
        return self.type == VECTOR

    @property
    def has_sql_index(self) -> bool:
        """Whether SQLite keeps an index on it; on searchable text it would cost more than it gains."""
        return self.filterable and not self.key and not self.is_collection and not self.is_text


@dataclass(frozen=True)
class Semantic:
    """The fields that semantic ranking reads."""

    title: Field | None
    content: tuple[Field, ...]
    keywords: tuple[Field, ...]


@dataclass(frozen=True)
class Index:
    """A checked definition; `body` is its JSON."""

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

    def field(self, name: str, parameter: str) -> Field:
        """Return the field that a parameter names; raises 400 when there is none."""
        field = self.fields.get(name)
        if field is None:
            message = (
                f"Invalid expression: Could not find a property named '{name}' on index '{self.name}' ({parameter})."
            )
            raise bad_request(message)
        return field

    def searchable(self, name: str, parameter: str) -> Field:
        """Return the text field that a parameter names; raises 400 when it is none."""
        field = self.field(name, parameter)
        if not field.is_text:
            raise bad_request(f"The field '{name}' is not searchable. Parameter name: {parameter}")
        return field

    def weights(self, profile: str | None) -> dict[str, float]:
        """Return the weight of each text field under a scoring profile; None means the default profile."""
        name = profile or self.body.get("defaultScoringProfile")
        weights = {field.name: 1.0 for field in self.text_fields}
        if name is None:
            return weights
        for row in self.body.get("scoringProfiles") or []:
            if row["name"] == name:
                return {**weights, **((row.get("text") or {}).get("weights") or {})}
        raise bad_request(f"The scoring profile '{name}' does not exist on index '{self.name}'.")

    def semantic(self, configuration: str | None) -> Semantic:
        """Return a semantic configuration; None means the default one. Raises 400 when there is none."""
        part = self.body.get("semantic") or {}
        name = configuration or part.get("defaultConfiguration")
        for row in part.get("configurations") or []:
            if row["name"] == name:
                fields = row["prioritizedFields"]
                title = fields.get("titleField")
                return Semantic(
                    title=self.fields[title["fieldName"]] if title else None,
                    content=self._named(fields.get("prioritizedContentFields")),
                    keywords=self._named(fields.get("prioritizedKeywordsFields")),
                )
        raise bad_request(f"Unknown semantic configuration {name!r}. Parameter name: semanticConfiguration")

    def _named(self, rows: list[Mapping[str, str]] | None) -> tuple[Field, ...]:
        return tuple(self.fields[row["fieldName"]] for row in rows or [])
