"""A run before the people who decide on it."""

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.approvals import Decision
from murmuration.contracts.content import Content
from murmuration.durable.context import now
from murmuration.durable.flow import Strand
from orchestrators.admission.slots import acquire, release
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.run import Run


def approval(run: Run, title: str, asked: Content, about: str = "") -> Strand[Decision]:
    """Ask, wait, and keep what was decided for the outcome.

    The time of waiting is nobody's budget, and meanwhile another run has the place.
    """
    stage = run.set_stage("approving")
    yield from release(run)
    began = now(run.context)
    decision = yield from seek_approval(run.context, run.next_gate(), run.request(title, asked, about), run.goal.caller)
    run.approvals += (decision,)
    run.waited += now(run.context) - began
    yield from acquire(run, again=True)
    run.set_stage(stage)
    return decision


def refused(code: str, what: str, decision: Decision) -> RunFailed:
    """The end of a run that people did not let pass."""
    who = ", ".join(decision.by) or "nobody in time"
    comment = f": {decision.comment}" if decision.comment else ""
    return RunFailed(code, f"{what} (by {who}){comment}")
