"""The properties of a simulated goal that people had to approve: a checker for each."""

from collections.abc import Iterator

from murmuration.contracts.content import Content
from murmuration.policy.gates import hash_of
from simulation.ended_goal import EndedGoal
from simulation.goals import REQUESTER


def decisions_stand(ended: EndedGoal) -> Iterator[str]:
    """6: a gate is decided once, by the first votes of its approvers, and nothing changes it."""
    for gate in ended.gates:
        yield from gate.changes()
        yield from gate.contradictions()


def only_the_approved_goes_out(ended: EndedGoal) -> Iterator[str]:
    """25: an answer that needs approval is published and remembered only after a gate approved this very answer."""
    outcome, options = ended.outcome, ended.goal.options
    if outcome is None or options.approval is None:
        return
    passed = outcome.verdict is not None and outcome.verdict.passed
    exhausted = options.on_exhausted == "ask_person" and not passed and outcome.status == "completed"
    needed = "answer" in options.approval.of or exhausted
    published = outcome.answer or outcome.answer_artifact
    if needed and outcome.status == "completed" and not published:
        yield "completed without an answer"
    if needed and (published or ended.world.rows or ended.world.turns):
        text = Content(text=outcome.answer) if outcome.answer else None
        content_hash = hash_of(text) if text else (outcome.answer_artifact or "").rpartition("/")[2]
        if not any(gate.approves(content_hash) for gate in ended.gates):
            yield f"an answer went out, and no gate has approved it: {outcome.status} {outcome.error}"
    for task in (step for step in ended.steps if step.name == "ask_agent"):
        if "plan" in options.approval.of and not any(gate.approved_by(task.scheduled) for gate in ended.gates):
            yield "a plan that needs approval was executed without"


def votes_are_genuine(ended: EndedGoal) -> Iterator[str]:
    """26: a vote that counts is signed by the app and bound to gate, panel, approver and content."""
    for gate in ended.gates:
        yield from gate.unfounded()


def approvers_may_approve(ended: EndedGoal) -> Iterator[str]:
    """27: approvers belong to the panel, and the requester does not where that is barred."""
    for gate in ended.gates:
        yield from gate.unauthorised(REQUESTER)
