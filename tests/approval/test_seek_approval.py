"""Seeking approval is one sub-orchestration, and whatever goes wrong with it rejects."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import pytest

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, ApprovalRules, Decision, Panel
from murmuration.contracts.content import Content
from murmuration.contracts.runs import Caller
from murmuration.durable.flow import conduct
from murmuration.policy.gates import GATE_WORKFLOW
from simulation.records import EPOCH
from simulation.scripted import simulate
from simulation.virtual_host import VERSION

CALLER = Caller(tenant="t")
REQUEST = ApprovalRequest(
    title="The plan",
    asked=Content(text="Do it?"),
    requester="someone",
    rules=ApprovalRules(panels=(Panel(approvers=("alice@example.com",)),)),
)


def seek(answer: Any) -> tuple[Decision, list[tuple[str, Any]]]:
    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        decision = yield from conduct(context, seek_approval(context, 3, REQUEST, CALLER))
        return decision.model_dump(mode="json")

    trace = simulate(orchestrator, {}, lambda name, given: (9, answer))
    assert trace.error is None
    return Decision.model_validate(trace.output), [(name, given) for _, name, given in trace.started]


def test_the_gate_is_a_numbered_instance_of_the_run_and_its_decision_comes_back() -> None:
    decided = Decision(gate="run-1-gate-3", asked="0", state="revise", how="votes", at=EPOCH, comment="shorter")

    decision, started = seek(decided.model_dump(mode="json"))

    assert decision == decided
    [(name, given)] = started
    assert name == GATE_WORKFLOW
    assert ApprovalGate.model_validate(given) == ApprovalGate(
        caller=CALLER, workflow_version=VERSION, run="run-1", id="run-1-gate-3", request=REQUEST
    )


@pytest.mark.parametrize("answer", [RuntimeError("it broke"), None, "approved", {"state": "approved"}])
def test_a_gate_that_broke_rejects(answer: Any) -> None:
    decision, _ = seek(answer)

    assert (decision.state, decision.how) == ("rejected", "gate_broke")
    assert "it broke" not in decision.model_dump_json()
