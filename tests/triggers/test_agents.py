"""`GET /api/agents` lists the agents without their prompts, or those that suit a task."""

from pathlib import Path

import pytest

from murmuration.agents.loader import all_agents
from tests.added_agents import PROBLEM, added_agents
from tests.triggers.api import Api

pytestmark = pytest.mark.anyio


async def test_agents_are_listed_without_their_prompts(api: Api) -> None:
    rows = (await api("GET", "/api/agents")).body["agents"]

    assert [row["name"] for row in rows] == [agent.name for agent in all_agents()]
    assert all(row["purpose"] for row in rows)
    assert all("prompt" not in row for row in rows)
    assert {row["name"]: row["task_type"] for row in rows}["executor"] == "executor"


async def test_agents_that_suit_a_task_come_best_first(api: Api) -> None:
    rows = (await api("GET", "/api/agents?for=split+a+goal+into+a+plan+of+tasks")).body["agents"]

    assert rows[0]["name"] == "planner"


async def test_a_task_that_is_too_long_is_refused(api: Api) -> None:
    answer = await api("GET", f"/api/agents?for={'x' * 2001}")

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "for")


async def test_a_broken_agent_is_reported_and_the_others_work_on(api: Api, tmp_path: Path) -> None:
    task = {"id": "t1", "type": "agent", "instruction": "Write a line."}
    with added_agents(tmp_path):
        health = await api("GET", "/api/health")
        names = {row["name"] for row in (await api("GET", "/api/agents")).body["agents"]}
        bodies = [{"goal": "x", "plan": [{**task, "agent": agent}]} for agent in ("broken", "poet")]
        refused, started = [await api("POST", "/api/goals", body) for body in bodies]

    assert (health.status, health.body["status"], health.body["problems"]) == (200, "degraded", [PROBLEM])
    assert {"poet", "planner"} <= names
    assert "broken" not in names
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "plan")
    assert "agent 'broken' is none of " in refused.body["detail"]
    assert started.status == 202
