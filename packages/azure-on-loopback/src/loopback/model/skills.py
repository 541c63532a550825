"""The offline model's skills: deterministic functions that act the agents of an app.

A skills module has `SKILLS`, which maps the name of a structured output to a function from the question (the JSON
object of the last user message) to the reply, and may have `NAME`, `DESCRIPTION` and `summary(text)`.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from loopback.serving import CannotStart

Skill = Callable[[dict[str, Any]], dict[str, Any]]

MAX_SUMMARY_CHARACTERS = 300


def _beginning(text: str) -> str:
    return " ".join(text.split())[:MAX_SUMMARY_CHARACTERS]


@dataclass(frozen=True)
class Skills:
    """What the offline model can do, and how it introduces itself."""

    name: str = "loopback-offline-1"
    description: str = "deterministic: replies with the smallest value that the schema allows"
    by_name: Mapping[str, Skill] = field(default_factory=dict)
    """By the name of the structured output."""
    summary: Callable[[str], str] = _beginning
    """What it says when it has no skill for a question."""

    def reply(self, name: str | None, schema: dict[str, Any] | None, message: str) -> str:
        """The text of the reply: JSON when a schema was given, words when not."""
        if schema is None:
            return f"({self.name}, {self.description}) {self.summary(message)}"
        try:
            question = json.loads(message)
        except ValueError:
            question = None
        skill = self.by_name.get(name or "")
        if skill is not None and isinstance(question, dict):
            return json.dumps(skill(question), ensure_ascii=False)
        return json.dumps(smallest(schema, schema, self.summary(message)), ensure_ascii=False)


OFFLINE = Skills()


def load_skills(module: str | None) -> Skills:
    """Read the skills of a Python module, which may stand in the working directory; raises `CannotStart`."""
    if module is None:
        return OFFLINE
    if os.getcwd() not in sys.path:  # noqa: PTH109 - entries of sys.path are texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        loaded = import_module(module)
    except ImportError as error:
        raise CannotStart(f"--skills {module!r} can't be imported: {error}") from error
    by_name = getattr(loaded, "SKILLS", None)
    if not isinstance(by_name, Mapping):
        raise CannotStart(f"--skills {module!r} has no SKILLS that map names to functions")
    return Skills(
        name=getattr(loaded, "NAME", OFFLINE.name),
        description=getattr(loaded, "DESCRIPTION", f"deterministic: the skills of {module}"),
        by_name=by_name,
        summary=getattr(loaded, "summary", OFFLINE.summary),
    )


def smallest(schema: dict[str, Any], root: dict[str, Any], words: str) -> Any:
    """The smallest value that satisfies a JSON Schema; texts say `words`."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return smallest(target, root, words)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return smallest(schema[choice][0], root, words)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            needed = schema.get("required", [])
            return {name: smallest(schema["properties"][name], root, words) for name in needed}
        case "array":
            return [smallest(schema.get("items", {}), root, words) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return words[: schema.get("maxLength", len(words))].ljust(schema.get("minLength", 0), ".")
