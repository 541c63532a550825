"""The rules of a goal that code checks in its answer, at no cost."""

import json
import re

from murmuration.contracts.rules import Rules

_MARKER = re.compile(r"\s*\[(\d{1,4})\]")
MAX_SCHEMA_PROBLEMS = 5
MAX_MESSAGE_CHARACTERS = 200


def broken_rules(rules: Rules, answer: str) -> list[str]:
    """Name each rule that the answer breaks, in words for its reviser. Citation markers don't count as characters."""
    plain = _MARKER.sub("", answer).strip()
    problems = []
    if len(plain) < rules.min_characters:
        problems.append(f"has {len(plain)} characters, at least {rules.min_characters} are wanted")
    if rules.max_characters is not None and len(plain) > rules.max_characters:
        problems.append(f"has {len(plain)} characters, at most {rules.max_characters} are wanted")
    used = [word for word in rules.forbidden_words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain, re.I)]
    if used:
        problems.append(f"uses forbidden words: {', '.join(used)}")
    cited = len(set(_MARKER.findall(answer)))
    if cited < rules.citations:
        problems.append(f"cites {cited} passages, at least {rules.citations} are wanted")
    if rules.json_schema is not None:
        problems += _schema_problems(rules.json_schema, plain)
    return problems


def _schema_problems(schema: dict[str, object], text: str) -> list[str]:
    # Most answers have no schema, and the import would slow down every cold start.
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(text)
    except ValueError:
        return ["is not JSON"]
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [f"{error.json_path}: {error.message[:MAX_MESSAGE_CHARACTERS]}" for error in errors[:MAX_SCHEMA_PROBLEMS]]
