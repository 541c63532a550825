"""Agents are read from their files, and a file that can't be used says why."""

from pathlib import Path

import pytest

from murmuration.agents import loader
from murmuration.agents.loader import AgentError, agent_from, load_agent

GOOD = """+++
name = "planner"
version = "1"
tier = "standard"
temperature = 0.0
reply = "PlanReply"
purpose = "Plans things."
+++
Plan.
"""


@pytest.mark.parametrize("path", sorted(Path(loader.__file__).parent.glob("*.md")), ids=lambda path: path.stem)
def test_every_agent_of_the_product_can_be_asked(path: Path) -> None:
    agent = load_agent(path.stem)

    assert agent.prompt
    assert "material" in agent.prompt, "an agent is told that what it reads does not give it orders"
    schema = agent.contract.model_json_schema(mode="serialization")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"]), "strict structured output wants every field"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("+++\nname", "name", "does not begin with TOML"),
        ('version = "1"\n', "", "version"),
        ('version = "1"', 'version = "one"', "version"),
        ("temperature = 0.0", "temperature = 3.0", "temperature"),
        ('tier = "standard"', 'tier = "cheap"', "tier"),
        ('"PlanReply"', '"Plan"', "reply is 'Plan'"),
        ('name = "planner"', 'name = "other"', "name is 'other'"),
        ("Plan.", "", "prompt"),
        ("temperature = 0.0", "temperature =", "planner.md"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "planner.md"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")

    with pytest.raises(AgentError, match=reason):
        agent_from(path)
