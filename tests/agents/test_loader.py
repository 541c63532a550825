"""Agents are read from their files. A file that can't be used is reported, and the others work on."""

import subprocess
import sys
from pathlib import Path

import pytest

from murmuration.agents import loader
from murmuration.agents.loader import AgentError, add_folder, load_agent, read_agent, read_agents
from murmuration.contracts.replies import DraftReply, TextReply

LEAST = """+++
name = "translator"
purpose = "Translates a text into German."
tier = "fast"
reply = "TextReply"
+++
Translate.
"""
FULL = LEAST.replace(
    "+++\nTranslate",
    'version = "2"\ntemperature = 0.5\nexamples = ["Translate this."]\nbackground = true\n+++\nTranslate',
)


def written(folder: Path, text: str = LEAST, name: str = "translator") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(loader.LIBRARY_FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_every_agent_of_the_library_can_be_asked(path: Path) -> None:
    agent = load_agent(path.stem)

    assert "material" in agent.prompt, "an agent is told that what it reads does not give it orders"
    schema = agent.contract.model_json_schema(mode="serialization")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"]), "strict structured output wants every field"


def test_four_fields_and_a_prompt_are_enough(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path))

    assert (agent.version, agent.temperature, agent.examples, agent.background) == ("1", 0.0, (), False)
    assert (agent.contract, agent.in_plans, agent.task_type) == (TextReply, True, "agent")


def test_an_agent_that_answers_from_passages_performs_executor_tasks(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, LEAST.replace("TextReply", "DraftReply")))

    assert (agent.contract, agent.task_type) == (DraftReply, "executor")


def test_the_other_fields_are_read(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, FULL))

    assert (agent.version, agent.temperature, agent.examples, agent.background) == (
        "2",
        0.5,
        ("Translate this.",),
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("+++\nname", "name", "agents/translator.md: does not begin with TOML between two lines of +++"),
        ('tier = "fast"\n', "", "agents/translator.md: tier: is missing"),
        ('tier = "fast"', 'tier = "cheap"', "tier: Input should be 'fast', 'standard' or 'reasoning' (got 'cheap')"),
        ('"TextReply"', '"Poem"', "reply: is none of TextReply, DraftReply"),
        ('"TextReply"', '"Poem"', "(got 'Poem')"),
        ("tier =", 'mood = "good"\ntier =', "agents/translator.md: mood: unknown field (got 'good')"),
        ("tier =", 'version = "one"\ntier =', "version: String should match pattern"),
        ("tier =", "temperature = 3.0\ntier =", "temperature: Input should be less than or equal to 2 (got 3.0)"),
        ('"translator"', '"other"', "name: is not the file's: write 'translator', or rename the file (got 'other')"),
        ("Translate.", "", "agents/translator.md: prompt: String should have at least 1 character"),
        ("tier =", "tier", "agents/translator.md: the front matter is not TOML: "),
        ("Translates a text into German.", "x" * 501, f"(got '{'x' * 99}…)"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_field_and_value(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    agents = read_agents([written(tmp_path / "agents", LEAST.replace(old, new)).parent])

    assert not agents.by_name
    assert len(agents.problems) == 1
    assert problem in agents.problems[0]


def test_everything_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    bad = LEAST.replace('"fast"', '"cheap"').replace("TextReply", "Poem")

    with pytest.raises(AgentError, match=r"tier: .*; .*reply: "):
        read_agent(written(tmp_path, bad))


def test_a_file_that_is_no_text_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(AgentError, match="can't be read as UTF-8"):
        read_agent(path)


def test_the_first_of_two_agents_with_one_name_is_used(tmp_path: Path) -> None:
    first, second = written(tmp_path / "ours"), written(tmp_path / "theirs", FULL)

    agents = read_agents([first.parent, second.parent])

    assert agents.by_name["translator"].version == "1"
    assert agents.problems == ("theirs/translator.md: name: is the name of another agent (got 'translator')",)


def test_a_bad_file_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "_folders", [loader.LIBRARY_FOLDER])
    written(tmp_path, LEAST.replace('"fast"', '"cheap"'))
    written(tmp_path, LEAST.replace("translator", "poet"), "poet")
    try:
        add_folder(tmp_path)

        assert load_agent("poet").name == "poet"
        assert load_agent("planner").name == "planner"
        with pytest.raises(AgentError, match=r"there is no agent 'translator'; there are archivist, .*, poet"):
            load_agent("translator")
    finally:
        loader.known_agents.cache_clear()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"'.*nowhere' is no folder"):
        add_folder(tmp_path / "nowhere")


def test_the_command_lists_the_agents_and_fails_when_one_cannot_be_used(tmp_path: Path) -> None:
    written(tmp_path / "agents", LEAST.replace('"fast"', '"cheap"'))
    command = [sys.executable, "-m", "murmuration.agents"]

    good = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    bad = subprocess.run([*command, tmp_path / "agents"], capture_output=True, text=True, check=False)  # noqa: S603

    assert (good.returncode, good.stderr) == (0, "")
    assert "planner" in good.stdout
    assert bad.returncode == 1
    assert bad.stderr.startswith("can't be used: agents/translator.md: tier: ")
    assert bad.stdout == good.stdout
