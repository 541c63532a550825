"""The offline model's skills: deterministic functions that reply in place of an app's agents.

A skills module has `SKILLS`, which maps the name of a structured output to a function from the question (the JSON
object in the user's message) to the reply. It may have `NAME`, `DESCRIPTION` and `summary(text)`.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from loopback.serving import CannotStart

Skill = Callable[[dict[str, Any]], dict[str, Any]]

MAX_SUMMARY_CHARACTERS = 300


def _first_words(text: str) -> str:
    return " ".join(text.split())[:MAX_SUMMARY_CHARACTERS]


@dataclass(frozen=True)
class Skills:
    """The skills of an offline model, and how it introduces itself."""

    name: str = "loopback-offline-1"
    description: str = "deterministic: replies with the smallest value that the schema allows"
    by_name: Mapping[str, Skill] = field(default_factory=dict)
    """The skills, by the name of the structured output."""
    summary: Callable[[str], str] = _first_words
    """Shortens a message; its result is the reply where no skill fits."""

    def reply(self, name: str, schema: dict[str, Any] | None, message: str) -> str:
        """Return the text of the reply: JSON when the request has a schema, plain words when not."""
        if schema is None:
            return f"({self.name}, {self.description}) {self.summary(message)}"
        try:
            question = json.loads(message)
        except ValueError:
            question = None
        skill = self.by_name.get(name)
        if skill is not None and isinstance(question, dict):
            return json.dumps(skill(question), ensure_ascii=False)
        return json.dumps(smallest_value(schema, schema, self.summary(message)), ensure_ascii=False)


DEFAULT_SKILLS = Skills()


def load_skills(module: str | None) -> Skills:
    """Load the skills of a Python module, in the working directory or installed; raises `CannotStart`."""
    if module is None:
        return DEFAULT_SKILLS
    loaded = _imported(module)
    by_name = getattr(loaded, "SKILLS", None)
    if not isinstance(by_name, Mapping):
        raise CannotStart(f"--skills {module!r}: the module has no SKILLS, a dict of names and functions")
    for name, skill in by_name.items():
        if not callable(skill):
            raise CannotStart(f"--skills {module!r}: SKILLS[{name!r}] is not a function but {skill!r}")
    return Skills(
        name=getattr(loaded, "NAME", DEFAULT_SKILLS.name),
        description=getattr(loaded, "DESCRIPTION", f"deterministic: the skills of {module}"),
        by_name=by_name,
        summary=getattr(loaded, "summary", DEFAULT_SKILLS.summary),
    )


def _imported(module: str) -> ModuleType:
    folder = os.getcwd()  # noqa: PTH109 - entries of sys.path are strings
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(module)
    except Exception as error:  # the module is somebody's code and may raise anything
        raise CannotStart(f"--skills {module!r} can't be imported: {type(error).__name__}: {error}") from error


def smallest_value(schema: dict[str, Any], root: dict[str, Any], words: str) -> Any:
    """Return the smallest value that satisfies a JSON Schema; its strings are `words`, cut to their length."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return smallest_value(target, root, words)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return smallest_value(schema[choice][0], root, words)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            required = schema.get("required", [])
            return {name: smallest_value(schema["properties"][name], root, words) for name in required}
        case "array":
            return [smallest_value(schema.get("items", {}), root, words) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return words[: schema.get("maxLength", len(words))].ljust(schema.get("minLength", 0), ".")
