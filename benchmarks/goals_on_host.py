"""Goals on the local cloud, its servers as processes: one goal of 50 tasks, and many that wait for people."""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import azure.durable_functions as df

from benchmarks.random_graphs import Graph, eager_seconds
from loopback.functions import protocol as wire
from loopback.functions.apps.sdk import speed_up_sdk
from loopback.functions.replay.recorded import Recorded, differences
from murmuration.cli.app_folder import app_folder
from murmuration.cli.cloud import Cloud, Ports, cloud
from orchestrators.goal.achieve_goal import achieve_goal

TASKS = 50
CAP = 5
AGENT_SECONDS = 0.2
PEOPLE = ["ann@example.com"]
SETTLE_SECONDS = 5.0
APP = app_folder(None)
DOCUMENT = {"source": "tea.md", "content": "# Tea\n\nGreen tea needs water of 80 degrees."}


async def large_goal(folder: Path, seed: int) -> dict[str, float]:
    """Run 50 executors in a random graph, 5 at once as by default; each executor and each evaluator takes 0.2 s.

    A goal of one task goes first, because the first call of a process takes 0.2 s to load the clients' libraries.
    The makespan runs from the first step of a task to the call of the writer, by the history's own timestamps. The
    cost of replaying is measured afterwards: every episode of the history is replayed once more.
    """
    draw = random.Random(seed)
    needs = tuple(tuple(sorted(draw.sample(range(task), min(task, draw.choice((0, 1, 2)))))) for task in range(TASKS))
    ideal = eager_seconds(Graph(((AGENT_SECONDS, AGENT_SECONDS),) * TASKS, needs, CAP))
    plan = [
        {
            "id": f"t{task}",
            "type": "executor",
            "instruction": f"How hot is water for green tea number {task}?",
            "depends_on": [f"t{need}" for need in needs[task]],
        }
        for task in range(TASKS)
    ]
    goal = {"goal": "How hot is water for tea?", "plan": plan, "options": {"concurrency": CAP, "revision_limit": 0}}
    async with cloud(APP, folder, Ports()) as up, aiohttp.ClientSession() as session:
        await _read(session, up)
        await _post(session, f"{up.app_url}/api/goals?wait=60", {**goal, "plan": plan[:1]})  # loads the clients
        for agent in ("executor", "evaluator"):
            calls = {"agent": agent, "calls": [{"delay": AGENT_SECONDS, "repeat": True}]}
            await _post(session, f"{_origin(up, 'model service')}/control/script", calls)
        cpu = _cpu_seconds(up)
        run = (await _post(session, f"{up.app_url}/api/goals", goal))["id"]
        outcome = await _outcome(session, f"{up.app_url}/api/goals/{run}")
        used = _cpu_seconds(up) - cpu
        async with session.get(f"{up.app_url}/admin/instances/{run}/history") as answer:
            recorded = Recorded(**await answer.json())
    done = sum(task["state"] == "done" for task in outcome["tasks"])
    if outcome["status"] != "completed" or done != TASKS:
        raise RuntimeError(f"{done} of {TASKS} tasks were done: {outcome['error']}")
    makespan = _makespan(recorded)
    return {
        "goal_tasks": TASKS,
        "goal_seconds": round(makespan, 2),
        "goal_ideal_seconds": round(ideal, 2),
        "goal_ratio": round(makespan / ideal, 3),
        "goal_orchestrator_cpu_seconds": round(_replay_seconds(recorded), 2),
        "goal_host_cpu_seconds": round(used, 2),
    }


async def _outcome(session: aiohttp.ClientSession, goal: str) -> Any:
    while True:
        async with session.get(goal) as response:
            state = await response.json()
        if state["outcome"] is not None:
            return state["outcome"]
        await asyncio.sleep(1)


def _makespan(recorded: Recorded) -> float:
    first_scheduled: dict[str, datetime] = {}
    for event in recorded.events:
        if event["EventType"] == wire.TASK_SCHEDULED:
            first_scheduled.setdefault(event["Name"], wire.parse_timestamp(event["Timestamp"]))
    return (first_scheduled["write_answer"] - first_scheduled["retrieve_passages"]).total_seconds()


def _replay_seconds(recorded: Recorded) -> float:
    speed_up_sdk()  # as the host drives the SDK
    handle: Callable[[str], str] = df.Orchestrator.create(achieve_goal)
    began = time.process_time()
    problems = differences(handle, recorded)
    if problems:
        raise RuntimeError(f"the history does not replay: {problems[0][:300]}")
    return time.process_time() - began


async def open_gates(folder: Path, count: int, seconds: float) -> dict[str, float]:
    """Measure the host's CPU use while many plans wait for people, each with a reminder to come."""
    approval = {"of": ["plan"], "panels": [{"approvers": PEOPLE}], "timeout_seconds": 86_400, "remind_after": 0.5}
    plan = [{"id": "t1", "type": "executor", "instruction": "How hot is water for tea?"}]
    async with cloud(APP, folder, Ports()) as up, aiohttp.ClientSession() as session:
        goals = [
            {"goal": f"Question number {number}", "plan": plan, "options": {"approval": approval}}
            for number in range(count)
        ]
        for goal in goals:
            await _post(session, f"{up.app_url}/api/goals", goal)
        while await _waiting(session, up) < count:  # noqa: ASYNC110 - HTTP has no events
            await asyncio.sleep(0.5)
        await asyncio.sleep(SETTLE_SECONDS)
        cpu, began = _cpu_seconds(up), time.perf_counter()
        await asyncio.sleep(seconds)
        used = (_cpu_seconds(up) - cpu) / (time.perf_counter() - began)
    return {"gates": count, "gates_watched_seconds": seconds, "gates_idle_cpu_percent": round(100 * used, 2)}


async def _waiting(session: aiohttp.ClientSession, up: Cloud) -> int:
    """Return the number of open gates."""
    url = f"{up.app_url}/runtime/webhooks/durabletask/instances?runtimeStatus=Running&top=1000"
    async with session.get(url) as answer:
        instances = await answer.json()
    return sum(
        instance["name"] == "approval_gate" and (instance["customStatus"] or {}).get("state") == "open"
        for instance in instances
    )


async def _read(session: aiohttp.ClientSession, up: Cloud) -> None:
    await _post(session, f"{up.app_url}/api/documents", {"documents": [DOCUMENT], "wait": 60})


async def _post(session: aiohttp.ClientSession, url: str, body: Any) -> Any:
    async with session.post(url, json=body, timeout=aiohttp.ClientTimeout(total=240)) as answer:
        text = await answer.text()
        if answer.status >= 300:
            raise RuntimeError(f"{url} answered {answer.status}: {text[:300]}")
        return json.loads(text) if text else None


def _origin(up: Cloud, server: str) -> str:
    return next(running.health_url for running in up.servers if running.name == server).rpartition("/")[0]


def _cpu_seconds(up: Cloud) -> float:
    """Return user and system time of the Functions host's process (proc(5)); Linux only."""
    host = next(server for server in up.servers if server.name == "functions host")
    if host.process is None:
        raise RuntimeError("the host is not started")
    fields = Path(f"/proc/{host.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
