"""Whether an answer satisfies the rules of its goal: pure, and free of cost."""

import json
import re

from murmuration.contracts.rules import Rules

_MARKER = re.compile(r"\s*\[(\d{1,4})\]")


def broken(rules: Rules, answer: str) -> list[str]:
    """What the answer breaks, in words for whoever revises it. Lengths are without markers."""
    plain = _MARKER.sub("", answer).strip()
    found = []
    if len(plain) < rules.min_characters:
        found.append(f"has {len(plain)} characters, at least {rules.min_characters} are wanted")
    if rules.max_characters is not None and len(plain) > rules.max_characters:
        found.append(f"has {len(plain)} characters, at most {rules.max_characters} are wanted")
    used = [word for word in rules.forbidden_words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain, re.I)]
    if used:
        found.append(f"uses words that are not wanted: {', '.join(used)}")
    cited = len(set(_MARKER.findall(answer)))
    if cited < rules.citations:
        found.append(f"cites {cited} passages, at least {rules.citations} are wanted")
    if rules.json_schema is not None:
        found += _schema_problems(rules.json_schema, plain)
    return found


def _schema_problems(schema: dict[str, object], text: str) -> list[str]:
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(text)
    except ValueError:
        return ["is not JSON"]
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [f"{error.json_path}: {error.message[:200]}" for error in errors[:5]]
