"""Ask people within a goal's run."""

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.approvals import Decision
from murmuration.contracts.content import Content
from orchestrators.admission.slots import acquire, release
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.run import Run


async def ask_people(
    run: Run, title: str, content: Content, details: str = "", *, may_revise: bool = False
) -> Decision:
    """Open a gate, wait for its decision, and record it for the outcome.

    A wish holds for all that the run writes later. The time of waiting counts against no budget, and meanwhile another
    run has the slot.
    """
    stage = run.set_stage("approving")
    await release(run)
    with run.clock.stopped():
        request = run.request(title, content, details, may_revise=may_revise)
        decision = await seek_approval(run.flow, run.next_gate(), request, run.goal.caller)
    run.approvals += (decision,)
    run.wishes += (decision.comment,) if decision.state == "revise" else ()
    await acquire(run, again=True)
    run.set_stage(stage)
    return decision


def refused(code: str, what: str, decision: Decision) -> RunFailed:
    """The end of a run that people did not let pass."""
    people = ", ".join(decision.by) or "nobody in time"
    comment = f": {decision.comment}" if decision.comment else ""
    return RunFailed(code, f"{what} (by {people}){comment}")
