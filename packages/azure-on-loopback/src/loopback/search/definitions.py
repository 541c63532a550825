"""Index definitions: what a field is. `checks` says what makes a definition wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from loopback.search.problems import bad

VECTOR = "Collection(Edm.Single)"


@dataclass(frozen=True)
class Field:
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
        """The type of one value."""
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
    def is_indexed(self) -> bool:
        """Whether SQLite keeps an index on it; of texts to search in that would cost more than it gives."""
        return self.filterable and not self.key and not self.is_collection and not self.is_text


@dataclass(frozen=True)
class Semantic:
    """The fields that semantic ranking reads."""

    title: Field | None
    content: tuple[Field, ...]
    keywords: tuple[Field, ...]


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

    def searchable(self, name: str, what: str) -> Field:
        field = self.field(name, what)
        if not field.is_text:
            raise bad(f"The field '{name}' is not searchable. Parameter name: {what}")
        return field

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

    def semantic(self, name: str | None) -> Semantic:
        """The semantic configuration of that name, or the default one; raises 400 when there is none."""
        part = self.body.get("semantic") or {}
        wanted = name or part.get("defaultConfiguration")
        for each in part.get("configurations") or []:
            if each["name"] == wanted:
                fields = each["prioritizedFields"]
                title = fields.get("titleField")
                return Semantic(
                    title=self.fields[title["fieldName"]] if title else None,
                    content=self._named(fields.get("prioritizedContentFields")),
                    keywords=self._named(fields.get("prioritizedKeywordsFields")),
                )
        raise bad(f"Unknown semantic configuration {wanted!r}. Parameter name: semanticConfiguration")

    def _named(self, rows: list[Mapping[str, str]] | None) -> tuple[Field, ...]:
        return tuple(self.fields[row["fieldName"]] for row in rows or [])
