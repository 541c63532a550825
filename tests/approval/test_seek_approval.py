"""Seeking approval runs one gate as a sub-orchestration, and a gate that breaks rejects."""

import subprocess
import sys
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import pytest

from murmuration.approval.seek_approval import DEFAULT_CALLER, seek_approval
from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, ApprovalRules, Decision, Panel
from murmuration.contracts.content import Content
from murmuration.contracts.runs import Caller
from murmuration.durable.driver import orchestrate
from murmuration.durable.workflow import Flow
from murmuration.policy.gates import GATE_WORKFLOW
from murmuration.services.settings import Settings
from simulation.records import EPOCH
from simulation.scripted import simulate
from simulation.virtual_host import VERSION

CALLER = Caller(tenant="t")
REQUEST = ApprovalRequest(
    title="The plan",
    content=Content(text="Do it?"),
    requester="someone",
    rules=ApprovalRules(panels=(Panel(approvers=("alice@example.com",)),)),
)
DECISION = Decision(gate="run-1-gate-3", content_hash="0", state="revise", how="votes", at=EPOCH, comment="shorter")


def seek(result: Any, *caller: Caller) -> tuple[Decision, list[tuple[str, Any]]]:
    """Seek approval where the gate ends with `result`; returns the decision, and what was started."""

    async def workflow(flow: Flow) -> Any:
        return (await seek_approval(flow, 3, REQUEST, *caller)).model_dump(mode="json")

    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, "seeks", workflow))

    trace = simulate(orchestrator, {}, lambda name, message: (9, result))
    assert trace.error is None
    return Decision.model_validate(trace.output), [(name, message) for _, name, message in trace.started]


def test_the_gate_is_a_numbered_instance_of_the_run_and_its_decision_comes_back() -> None:
    decision, started = seek(DECISION.model_dump(mode="json"), CALLER)

    assert decision == DECISION
    [(name, gate)] = started
    assert name == GATE_WORKFLOW
    assert ApprovalGate.model_validate(gate) == ApprovalGate(
        caller=CALLER, workflow_version=VERSION, run="run-1", id="run-1-gate-3", request=REQUEST
    )


def test_without_a_caller_the_gate_belongs_to_the_tenant_of_a_deployment_that_names_none() -> None:
    _, [(_, gate)] = seek(DECISION.model_dump(mode="json"))

    assert ApprovalGate.model_validate(gate).caller == DEFAULT_CALLER
    assert DEFAULT_CALLER.tenant == Settings.model_fields["tenant"].default


@pytest.mark.parametrize("result", [RuntimeError("it broke"), None, "approved", {"state": "approved"}])
def test_a_gate_that_broke_rejects(result: Any) -> None:
    decision, _ = seek(result)

    assert (decision.state, decision.how) == ("rejected", "gate_broke")
    assert "it broke" not in decision.model_dump_json()


def test_importing_the_package_loads_no_sdk() -> None:
    code = "import sys, murmuration.approval; print([name for name in sys.modules if name.startswith('azure')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"
