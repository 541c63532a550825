"""The app deploys every step and every workflow, and loads nothing that makes a cold start slow."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import azure.durable_functions as df
import pytest

from murmuration.contracts.steps import STEPS
from murmuration.deployment import register
from tests.added_agents import PROBLEM, added_agents

HEAVY = (
    "openai",
    "azure.identity",
    "azure.search.documents",
    "azure.keyvault",
    "obstore",
    "docutils",
    "numpy",
    "pydantic_settings",
    "rich",
)


def in_a_fresh_process(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603
    return done.stdout.strip()


def test_every_step_and_orchestrator_is_registered() -> None:
    code = "import function_app as f; print(*(each.get_function_name() for each in f.app.get_functions()))"

    names = set(in_a_fresh_process(code).split())

    assert {step.name for step in STEPS} | {"achieve_goal", "read_documents", "approval_gate", "forget"} <= names
    assert {"token_bucket", "active_runs"} <= names


def test_a_cold_import_loads_no_client_and_needs_no_setting() -> None:
    code = f"import sys, function_app; print([name for name in {HEAVY!r} if name in sys.modules])"

    assert in_a_fresh_process(code) == "[]"


def test_an_agent_that_cannot_be_used_is_logged_at_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with added_agents(tmp_path) as folder, caplog.at_level(logging.WARNING, logger="murmuration"):
        register(df.DFApp(), agents=folder)

    (line,) = [json.loads(record.message) for record in caplog.records]
    assert (line["event"], line["problem"]) == ("agent_unusable", PROBLEM)


@pytest.mark.parametrize(("environment", "refused"), [("Development", True), ("Production", False), ("", False)])
def test_workflows_are_refused_io_in_development(environment: str, refused: bool) -> None:
    code = """
import asyncio
import function_app
from murmuration.durable.loop import DurableLoop

async def workflow():
    open("host.json").close()

loop = DurableLoop(lambda: 0.0)
task = loop.create_task(workflow())
with loop.running():
    loop.run_until_idle()
print(type(task.exception()).__name__)
"""
    variables = {"AZURE_FUNCTIONS_ENVIRONMENT": environment} if environment else {}

    assert in_a_fresh_process(code, **variables) == ("Forbidden" if refused else "NoneType")
