"""The offline model: which of its skills a question asks for."""

import json
from collections.abc import Callable
from typing import Any

from local.model_service.extraction import execute, summary, write
from local.model_service.judging import judge
from local.model_service.lessons import learn
from local.model_service.planning import plan
from local.model_service.summaries import shorten

NAME = "murmuration-offline-1"
DESCRIPTION = "deterministic and extractive: plans by rule, answers with sentences it was given, judges by counting"

SKILLS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "planner": plan,
    "executor": execute,
    "expert": execute,
    "evaluator": judge,
    "writer": write,
    "archivist": learn,
    "summarizer": shorten,
}
"""By the name of the structured output, which is the agent's."""


def reply(agent: str | None, schema: dict[str, Any] | None, message: str) -> str:
    """The text of the reply: JSON when a schema was given, words when not."""
    if schema is None:
        return f"({NAME}, {DESCRIPTION}) {summary(message)}"
    try:
        question = json.loads(message)
    except ValueError:
        question = None
    skill = SKILLS.get(agent or "")
    if skill is not None and isinstance(question, dict):
        return json.dumps(skill(question), ensure_ascii=False)
    return json.dumps(smallest(schema, schema, summary(message)), ensure_ascii=False)


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
