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
import function_app
from murmuration.contracts.base import Contract
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow
from simulation.scripted import simulate

class Nothing(Contract):
    pass

@workflow
async def opens_a_file(flow: Flow, nothing: Nothing) -> Nothing:
    open("host.json").close()
    return nothing

print(simulate(opens_a_file, {}, lambda name, value: (0, None)).error)
"""
    variables = {"AZURE_FUNCTIONS_ENVIRONMENT": environment} if environment else {}

    assert ("can't use a file" in in_a_fresh_process(code, **variables)) == refused
