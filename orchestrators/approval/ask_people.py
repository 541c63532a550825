"""Asks people about a plan or an answer of a goal's run."""

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.approvals import Decision
from murmuration.contracts.content import Content
from murmuration.durable.context import now
from murmuration.durable.flow import Strand
from orchestrators.admission.slots import acquire, release
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.run import Run


def approval(run: Run, title: str, content: Content, details: str = "") -> Strand[Decision]:
    """Ask people, wait for their decision, and record it for the outcome.

    The time of waiting counts against no budget, and meanwhile another run has the slot.
    """
    stage = run.set_stage("approving")
    yield from release(run)
    began = now(run.context)
    decision = yield from seek_approval(
        run.context, run.next_gate(), run.request(title, content, details), run.goal.caller
    )
    run.approvals += (decision,)
    run.waited += now(run.context) - began
    yield from acquire(run, again=True)
    run.set_stage(stage)
    return decision


def refused(code: str, what: str, decision: Decision) -> RunFailed:
    """Make the error of a run whose plan or answer was not approved."""
    approvers = ", ".join(decision.by) or "nobody in time"
    comment = f": {decision.comment}" if decision.comment else ""
    return RunFailed(code, f"{what} (by {approvers}){comment}")
