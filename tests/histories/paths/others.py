"""The paths of `approval_gate`, `read_documents` and `forget`, each in a scripted world."""

from collections.abc import Callable
from typing import Any

from murmuration.contracts.approvals import ApprovalRules, Panel
from murmuration.contracts.content import Reference
from murmuration.contracts.documents import DocumentReading, ReadingReport
from murmuration.contracts.forgetting import PageResult
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from orchestrators.reading.read_documents import read_documents
from simulation.scripted import Trace, simulate
from tests.approval.scripted_gates import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DAY,
    Event,
    GateSteps,
    event,
    rules,
    run_gate,
    vote,
)
from tests.orchestrators import test_forget as forgetting


def kept(
    gate_rules: ApprovalRules, *events: Event, steps: Callable[[], GateSteps] = GateSteps, requester: str = "someone"
) -> Callable[[], Trace]:
    return lambda: run_gate(gate_rules, *events, requester=requester, steps=steps())[1]


def says(at: float, place: int, who: str, choice: str, *, panel: int = 0, wait: int = 0, **changed: Any) -> Event:
    """A vote whose id tells when and where it was cast, so that a recording comes out the same each time."""
    name = f"v-{at:.0f}-{place}-{wait}"
    return event(at, place, vote(at, who, choice, panel=panel, id=name, **changed), panel=panel, wait=wait)


TWO_OF_THREE = rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2))
TWO_PANELS = rules(Panel(approvers=(ALICE,)), Panel(approvers=(BOB, CAROL)), on_expiry="escalate", timeout_seconds=DAY)
UNREACHABLE = rules(Panel(approvers=(ALICE,)))

GATES: dict[str, Callable[[], Trace]] = {
    "approved": kept(rules(), says(60, 1, BOB, "approve")),
    "approved_by_a_quorum": kept(TWO_OF_THREE, says(10, 0, ALICE, "approve"), says(20, 2, CAROL, "approve")),
    "rejected": kept(TWO_OF_THREE, says(10, 0, ALICE, "approve"), says(20, 1, BOB, "reject", comment="no")),
    "revised": kept(rules(), says(20, 1, BOB, "revise", comment="name a source")),
    "reminded_and_approved": kept(
        rules(), says(2 * DAY, 0, ALICE, "approve"), steps=lambda: GateSteps(("mail", "webhook"))
    ),
    "never_reminded": kept(rules(remind_after=1, timeout_seconds=DAY)),
    "expired": kept(rules()),
    "expired_and_approved": kept(rules(on_expiry="approve", timeout_seconds=DAY)),
    "escalated_and_approved": kept(TWO_PANELS, says(DAY + 10, 1, CAROL, "approve", panel=1)),
    "escalated_and_expired": kept(TWO_PANELS),
    "thirty_days": kept(rules(timeout_seconds=30 * DAY), says(29 * DAY, 0, ALICE, "approve")),
    "unreachable_quorum": kept(UNREACHABLE, requester=ALICE),
    "ignored": kept(
        TWO_OF_THREE,
        event(5, 0, "junk"),
        says(6, 0, ALICE, "approve", wait=1, gate="run-2"),
        says(7, 0, ALICE, "approve", wait=2, asked="0" * 64),
        says(8, 0, DAVE, "approve", wait=3),
        event(9, 1, {**vote(9, BOB, "approve", id="v-9"), "signature": "x"}),
        says(10, 2, CAROL, "approve"),
        says(11, 2, CAROL, "approve", wait=1),
        says(4 * DAY, 0, ALICE, "approve", wait=4),
    ),
    "verified_after_the_time": kept(
        rules(timeout_seconds=DAY), says(DAY - 1, 0, ALICE, "approve"), steps=lambda: GateSteps(verifying_seconds=5)
    ),
    "channel_refuses": kept(rules(), says(60, 0, ALICE, "approve"), steps=lambda: GateSteps(failure="mail_refused")),
    "channel_down": kept(rules(), says(DAY, 0, ALICE, "approve"), steps=lambda: GateSteps(failure="later")),
}


def reading(batches: int, *replies: Done | Later | Failed | Exception) -> Callable[[], Trace]:
    """`replies` come first, in the order of asking; then every batch is read."""

    def run() -> Trace:
        left = list(replies)

        def activity(_: str, message: Any) -> tuple[float, Any]:
            read = Done(value=ReadingReport(documents=2, written=9).model_dump(mode="json"))
            reply = left.pop(0) if left else read
            return 1 + len(left), reply if isinstance(reply, Exception) else reply.model_dump(mode="json")

        names = [Reference(artifact=f"t/batch-{number}", bytes=9) for number in range(batches)]
        given = DocumentReading(caller=Caller(tenant="t"), owner=Owner(tenant="t"), batches=tuple(names))
        return simulate(read_documents, given.model_dump(mode="json"), activity)

    return run


DOWN = Later(code="search_unavailable", seconds=20)
READINGS: dict[str, Callable[[], Trace]] = {
    "read": reading(1),
    "many_batches": reading(6),
    "batch_failed": reading(2, Failed(code="search_refused", message="no")),
    "outage": reading(2, DOWN, Later(code="embedding_unavailable"), RuntimeError("lost")),
    "outage_for_good": reading(1, *[DOWN] * 5),
}


def forgets(script: dict[str, list[forgetting.Reply]] | None = None, stopped: int = 0) -> Callable[[], Trace]:
    def run() -> Trace:
        world = forgetting.World(stopped)
        world.script.update({where: list(replies) for where, replies in (script or {}).items()})
        return forgetting.run(world)[1]

    return run


REFUSED = Failed(code="refused", message="no")
FORGETTINGS: dict[str, Callable[[], Trace]] = {
    "nothing_there": forgets(),
    "found_again": forgets({"memory": [PageResult(found=2), PageResult(), PageResult(found=1)]}),
    "piece_by_piece": forgets({"knowledge": [PageResult(found=9, after="b"), PageResult(found=1)]}),
    "runs_under_way": forgets({"forget_runs": [PageResult(waiting=2), PageResult(found=2)]}, stopped=1),
    "something_remains": forgets({"memory": [PageResult(found=3)] * forgetting.PATIENCE.passes}),
    "step_refused": forgets({"knowledge": [REFUSED] * 100}),
    "records_refused": forgets({"forget_records": [REFUSED]}),
    "count_and_notes_refused": forgets({"forget_count": [REFUSED] * 9, "delete_deletion_log": [REFUSED]}),
    "outage": forgets({"memory": [Later(code="search_unavailable", seconds=5), RuntimeError("lost")]}),
}

PATHS = {"approval_gate": GATES, "read_documents": READINGS, "forget": FORGETTINGS}
