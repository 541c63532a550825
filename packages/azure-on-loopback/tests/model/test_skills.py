"""Skills: the default ones, and those of a module that `--skills` names."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from loopback.model.skills import DEFAULT_SKILLS, load_skills

SCHEMA = {
    "type": "object",
    "required": ["kind", "count", "text", "tags", "sure", "nested", "nothing", "fixed"],
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 3},
        "text": {"type": "string", "maxLength": 8, "minLength": 8},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "sure": {"type": ["boolean", "null"]},
        "nested": {"$ref": "#/$defs/Nested"},
        "nothing": {"anyOf": [{"type": "null"}, {"type": "string"}]},
        "fixed": {"const": 7},
        "optional": {"type": "string"},
    },
    "$defs": {"Nested": {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}}}},
}


def test_without_a_skill_the_reply_is_the_smallest_value_of_the_schema() -> None:
    reply = json.loads(DEFAULT_SKILLS.reply("anyone", SCHEMA, "Say  this."))

    assert reply == {
        "kind": "a",
        "count": 3,
        "text": "Say this",
        "tags": ["Say this."],
        "sure": False,
        "nested": {"x": 0},
        "nothing": None,
        "fixed": 7,
    }


def test_a_text_that_is_too_short_is_filled_up() -> None:
    assert json.loads(DEFAULT_SKILLS.reply("anyone", {"type": "string", "minLength": 5}, "Tea")) == "Tea.."


def test_without_a_schema_the_reply_says_what_replied() -> None:
    reply = DEFAULT_SKILLS.reply("", None, "How hot is tea? " * 100)

    assert reply.startswith("(loopback-offline-1, deterministic")
    assert "How hot is tea?" in reply
    assert len(reply) < 500


def test_a_module_brings_its_skills_name_description_and_summary() -> None:
    skills = load_skills("tests.model.tea_skills")

    reply = json.loads(skills.reply("answerer", SCHEMA, '{"topic": "Green tea"}'))
    assert reply == {"answer": "Green tea is made with hot water.", "sources": [1]}
    assert skills.reply("", None, "tea") == "(tea-1, knows about tea) 3 characters about tea"


@pytest.mark.parametrize("message", ["no JSON", '["a list"]'])
def test_a_skill_is_not_called_with_what_is_no_json_object(message: str) -> None:
    skills = load_skills("tests.model.tea_skills")

    assert json.loads(skills.reply("answerer", {"type": "object", "required": []}, message)) == {}


def loopback_model(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in `folder`."""
    command = [sys.executable, "-m", "loopback", "model", "--port", "0", *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)  # noqa: S603


def health(process: subprocess.Popen[str]) -> Any:
    """Wait until the service listens; returns its health."""
    assert process.stderr is not None
    url = process.stderr.readline().rsplit(" ", 1)[-1].strip()
    with urlopen(f"{url}/healthz", timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def test_the_command_loads_a_module_of_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "own_skills.py").write_text("NAME = 'own-1'\nSKILLS = {}\n", encoding="utf-8")

    with loopback_model(tmp_path, "--skills", "own_skills") as process:
        assert health(process) == {"status": "ok", "model": "own-1"}
        process.terminate()


def test_the_command_has_default_skills(tmp_path: Path) -> None:
    with loopback_model(tmp_path) as process:
        assert health(process) == {"status": "ok", "model": "loopback-offline-1"}
        process.terminate()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, "can't be imported: ModuleNotFoundError: No module named 'own_skills'"),
        ("NAME = 'own'", "the module has no SKILLS, a dict of names and functions"),
        ("SKILLS = ['answerer']", "the module has no SKILLS, a dict of names and functions"),
        ("SKILLS = {'answerer': 'x'}", "SKILLS['answerer'] is not a function but 'x'"),
        ("import nothing_like_it", "can't be imported: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("SKILLS = {", "can't be imported: SyntaxError"),
        ("1 / 0", "can't be imported: ZeroDivisionError"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line_and_status_2(tmp_path: Path, code: str | None, reason: str) -> None:
    if code is not None:
        (tmp_path / "own_skills.py").write_text(code, encoding="utf-8")

    with loopback_model(tmp_path, "--skills", "own_skills") as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert errors.startswith("model service: --skills 'own_skills'")
    assert reason in errors


def test_an_unknown_embedding_model_is_one_line_and_status_2(tmp_path: Path) -> None:
    with loopback_model(tmp_path, "--embeddings", "word2vec") as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert errors.splitlines() == [
        "model service: --embeddings 'word2vec': there is no embedding model 'word2vec':"
        " use local-hash or all-minilm-l6-v2"
    ]
