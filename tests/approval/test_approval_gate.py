"""A gate decides once, by votes that are genuine and in time, or as its rules say when time is over."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.functions.protocol import TIMER_CREATED, parse_timestamp
from murmuration.approval.approval_gate import approval_gate
from murmuration.contracts.approvals import (
    ApprovalGate,
    ApprovalRequest,
    ApprovalRules,
    Decision,
    Notified,
    Panel,
    VerificationResult,
    Vote,
)
from murmuration.contracts.content import Content
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from murmuration.durable.flow import MAX_TIMER
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import is_genuine, sign_vote
from simulation.records import EPOCH
from simulation.scripted import Trace, simulate

SECRET = "a secret of the tests, long enough"  # noqa: S105
ALICE, BOB, CAROL, DAVE = (f"{name}@example.com" for name in ("alice", "bob", "carol", "dave"))
DAY = 86_400
ASKED = Content(text="Publish the report?")
Event = tuple[float, str, Any]


def rules(*panels: Panel, **changed: Any) -> ApprovalRules:
    asked = panels or (Panel(approvers=(ALICE, BOB, CAROL)),)
    return ApprovalRules.model_validate({"panels": [each.model_dump() for each in asked], **changed})


def gate(given: ApprovalRules, requester: str = "someone") -> ApprovalGate:
    request = ApprovalRequest(title="The report", asked=ASKED, requester=requester, rules=given)
    return ApprovalGate(caller=Caller(tenant="t"), run="run-1", id="run-1", request=request)


@dataclass
class Office:
    """The two steps of a gate: what was sent to whom, and votes verified with the app's own secret."""

    channels: tuple[str, ...] = ("mail",)
    broken: str | None = None
    """The code with which every notification fails."""
    verifying_seconds: float = 0.0
    told: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        value = message["value"]
        if name == "verify_vote":
            genuine = VerificationResult(valid=is_genuine(SECRET, Vote.model_validate(value["vote"])))
            return self.verifying_seconds, Done(value=genuine.model_dump()).model_dump(mode="json")
        if value["channel"] not in self.channels:
            return 0, Done(value=Notified(configured=False).model_dump(mode="json")).model_dump(mode="json")
        if self.broken == "later":
            return 1, Later(code="mail_unavailable").model_dump(mode="json")
        if self.broken:
            return 1, Failed(code=self.broken, message="no").model_dump(mode="json")
        self.told.append((value["kind"], value["channel"], tuple(value["approvers"])))
        return 1, Done(value=Notified(sent=value["approvers"]).model_dump(mode="json")).model_dump(mode="json")


_IDS = itertools.count()


def vote(at: float, approver: str, choice: str, **changed: Any) -> dict[str, Any]:
    """A vote as the door makes it, before `changed` is done to it."""
    made = {
        "gate": "run-1",
        "panel": 0,
        "asked": hash_of(ASKED),
        "approver": approver,
        "choice": choice,
        "comment": "",
        "id": f"v{next(_IDS)}",
        "at": EPOCH + timedelta(seconds=at),
        "signature": "",
    }
    return sign_vote(SECRET, Vote.model_validate({**made, **changed})).model_dump(mode="json")


def cast(at: float, place: int, value: Any, *, panel: int = 0, wait: int = 0) -> Event:
    return at, event_name(panel, place, wait), value


def keep(given: ApprovalGate, *events: Event, office: Office | None = None) -> tuple[Decision, Trace]:
    trace = simulate(approval_gate, given.model_dump(mode="json"), office or Office(), events=events)
    assert trace.error is None, trace.error
    return Decision.model_validate(trace.output), trace


def happened(decision: Decision, *kinds: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(each.event, each.who, each.detail) for each in decision.audit if not kinds or each.event in kinds]


def test_one_approval_opens_a_gate_with_a_quorum_of_one() -> None:
    decision, trace = keep(gate(rules()), cast(60, 1, vote(60, BOB, "approve", comment="fine")))

    assert (decision.state, decision.how, decision.by) == ("approved", "votes", (BOB,))
    assert trace.seconds == 60, "no timer holds it up"
    assert happened(decision) == [
        ("opened", (ALICE, BOB, CAROL), "panel 0, quorum 1"),
        ("not_notified", (ALICE, BOB, CAROL), "webhook: not_configured"),
        ("notified", (ALICE, BOB, CAROL), "mail"),
        ("voted", (BOB,), "approve"),
        ("decided", (BOB,), "approved: votes"),
    ]
    assert [each.comment for each in decision.audit if each.event == "voted"] == ["fine"]


def test_two_of_three_have_to_approve() -> None:
    asked = gate(rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2)))

    decision, trace = keep(asked, cast(10, 0, vote(10, ALICE, "approve")), cast(20, 2, vote(20, CAROL, "approve")))

    assert (decision.state, decision.by) == ("approved", (ALICE, CAROL))
    shown = [status for status in trace.statuses if status and status["votes"]]
    assert [(len(each["votes"]), each["state"]) for each in (shown[0], shown[-1])] == [(1, "open"), (2, "approved")]


@pytest.mark.parametrize(("choice", "state"), [("reject", "rejected"), ("revise", "revise")])
def test_one_who_does_not_approve_stops_it_and_says_why(choice: str, state: str) -> None:
    asked = gate(rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2)))
    events = (cast(10, 0, vote(10, ALICE, "approve")), cast(20, 1, vote(20, BOB, choice, comment="name a source")))

    decision, _ = keep(asked, *events)

    assert (decision.state, decision.by, decision.comment) == (state, (BOB,), "name a source")


def test_who_has_not_answered_is_reminded_and_may_still_approve() -> None:
    office = Office(channels=("mail", "webhook"))
    asked = gate(rules(Panel(approvers=(ALICE, BOB), quorum=2), timeout_seconds=10 * DAY, remind_after=0.7))
    events = (cast(10, 0, vote(10, ALICE, "approve")), cast(8 * DAY, 1, vote(8 * DAY, BOB, "approve")))

    decision, trace = keep(asked, *events, office=office)

    assert decision.state == "approved"
    assert sorted(office.told) == [
        ("asked", "mail", (ALICE, BOB)),
        ("asked", "webhook", (ALICE, BOB)),
        ("reminder", "mail", (BOB,)),
        ("reminder", "webhook", (BOB,)),
    ]
    reminders = [at for at, _, message in trace.started if message["value"].get("kind") == "reminder"]
    assert reminders == [7 * DAY, 7 * DAY]


def test_nobody_is_reminded_when_the_rules_say_never() -> None:
    office = Office()

    decision, _ = keep(gate(rules(remind_after=1)), office=office)

    assert decision.state == "rejected"
    assert [kind for kind, *_ in office.told] == ["asked"]


@pytest.mark.parametrize(("on_expiry", "state"), [("reject", "rejected"), ("approve", "approved")])
def test_silence_means_what_the_rules_say(on_expiry: str, state: str) -> None:
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB,)))

    decision, trace = keep(gate(rules(*panels, on_expiry=on_expiry, timeout_seconds=DAY)))

    assert (decision.state, decision.how, decision.by) == (state, "expired", ())
    assert trace.seconds == DAY, "the second panel is for escalation alone"


def test_after_the_time_of_a_panel_the_next_is_asked() -> None:
    office = Office()
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB, CAROL)))
    asked = gate(rules(*panels, on_expiry="escalate", timeout_seconds=DAY))
    late = vote(DAY + 5, ALICE, "reject")

    decision, _ = keep(
        asked,
        cast(DAY + 5, 0, late),
        cast(DAY + 10, 1, vote(DAY + 10, CAROL, "approve", panel=1), panel=1),
        office=office,
    )

    assert (decision.state, decision.by) == ("approved", (CAROL,))
    assert [who for kind, _, who in office.told if kind == "asked"] == [(ALICE,), (BOB, CAROL)]
    assert happened(decision, "expired") == [("expired", (), "panel 0")]


def test_when_the_last_panel_is_silent_escalation_rejects() -> None:
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB,)))

    decision, trace = keep(gate(rules(*panels, on_expiry="escalate", timeout_seconds=DAY)))

    assert (decision.state, decision.how) == ("rejected", "expired")
    assert trace.seconds == 2 * DAY


def test_thirty_days_are_waited_in_steps_the_sdk_can_cancel() -> None:
    asked = gate(rules(timeout_seconds=30 * DAY))
    moment = 29 * DAY + 3

    decision, trace = keep(asked, cast(moment, 0, vote(moment, ALICE, "approve")))

    assert decision.state == "approved"
    assert trace.seconds == moment, "the timer that lost is cancelled"
    timers = [event for event in trace.history if event["EventType"] == TIMER_CREATED]
    lengths = [parse_timestamp(timer["FireAt"]) - parse_timestamp(timer["Timestamp"]) for timer in timers]
    assert max(lengths) == MAX_TIMER


IGNORED: dict[str, tuple[Any, str]] = {
    "no object": (5, "malformed"),
    "null": (None, "malformed"),
    "just true": (True, "malformed"),
    "not JSON": ("approve", "malformed"),
    "nothing in it": ({}, "malformed"),
    "deep": ("[" * 5_000, "malformed"),
    "unknown choice": ({**vote(5, ALICE, "approve"), "choice": "yes"}, "malformed"),
    "two choices": ({**vote(5, ALICE, "approve"), "choice": ["approve", "reject"]}, "malformed"),
    "long comment": ({**vote(5, ALICE, "approve"), "comment": "x" * 2_001}, "malformed"),
    "moment without a zone": ({**vote(5, ALICE, "approve"), "at": "2026-01-01T00:00:05"}, "malformed"),
    "other gate": (vote(5, ALICE, "approve", gate="run-2"), "for_another_gate"),
    "other panel": (vote(5, ALICE, "approve", panel=1), "for_another_gate"),
    "other content": (vote(5, ALICE, "approve", asked="0" * 64), "for_other_content"),
    "other approver": (vote(5, BOB, "approve"), "by_someone_else"),
    "no approver": (vote(5, DAVE, "approve"), "by_someone_else"),
    "after the time": (vote(4 * DAY, ALICE, "approve"), "late"),
    "no seal": ({**vote(5, ALICE, "approve"), "signature": ""}, "forged"),
    "seal of another vote": ({**vote(5, ALICE, "reject"), "choice": "approve"}, "forged"),
}


@pytest.mark.parametrize("name", IGNORED)
@pytest.mark.parametrize("as_text", [False, True], ids=["raw", "text"])
def test_what_is_no_vote_is_ignored_and_leaves_room_for_the_real_one(name: str, as_text: bool) -> None:
    value, reason = IGNORED[name]
    sent = json.dumps(value) if as_text else value

    silent, _ = keep(gate(rules()), cast(5, 0, sent))
    voted, _ = keep(gate(rules()), cast(5, 0, sent), cast(9, 0, vote(9, ALICE, "approve"), wait=1))

    assert (silent.state, silent.how) == ("rejected", "expired")
    assert happened(silent, "ignored") == [("ignored", (ALICE,), reason)]
    assert (voted.state, voted.by) == ("approved", (ALICE,))


def test_a_vote_that_comes_as_json_text_counts() -> None:
    decision, _ = keep(gate(rules()), cast(5, 0, json.dumps(vote(5, ALICE, "approve"))))

    assert decision.state == "approved"


def test_an_event_for_nobody_is_never_read() -> None:
    decision, _ = keep(gate(rules()), cast(5, 7, vote(5, DAVE, "approve")), (6, "approve", vote(6, ALICE, "approve")))

    assert (decision.state, decision.how) == ("rejected", "expired")


def test_an_approver_s_first_vote_counts_and_a_second_changes_nothing() -> None:
    asked = gate(rules(Panel(approvers=(ALICE, BOB), quorum=2)))
    events = (
        cast(5, 0, vote(5, ALICE, "approve")),
        cast(6, 0, vote(6, ALICE, "approve"), wait=1),
        cast(7, 0, vote(7, ALICE, "reject"), wait=2),
        cast(8, 1, vote(8, BOB, "approve")),
    )

    decision, _ = keep(asked, *events)

    assert (decision.state, decision.by) == ("approved", (ALICE, BOB))
    assert happened(decision, "ignored") == [("ignored", (ALICE,), "answered_already")] * 2


def test_a_rejection_that_came_in_before_the_quorum_was_verified_counts() -> None:
    events = (cast(5, 0, vote(5, ALICE, "approve")), cast(5.5, 1, vote(5.5, BOB, "reject")))

    decision, _ = keep(gate(rules()), *events, office=Office(verifying_seconds=1))

    assert (decision.state, decision.by) == ("rejected", (BOB,))


def test_a_vote_that_came_in_time_counts_even_if_it_is_verified_after_it() -> None:
    events = (cast(DAY - 1, 0, vote(DAY - 1, ALICE, "approve")),)

    decision, _ = keep(gate(rules(timeout_seconds=DAY)), *events, office=Office(verifying_seconds=5))

    assert (decision.state, decision.by) == ("approved", (ALICE,))


def test_a_vote_at_the_very_start_is_not_missed() -> None:
    decision, _ = keep(gate(rules()), cast(0, 0, vote(0, ALICE, "approve")))

    assert decision.state == "approved"


def test_the_requester_may_be_barred() -> None:
    own = cast(5, 0, vote(5, BOB, "approve"))
    barred, _ = keep(gate(rules(Panel(approvers=(ALICE, BOB))), requester="Alice@Example.com"), own)
    allowed, _ = keep(gate(rules(bar_requester=False), requester=ALICE), cast(5, 0, vote(5, ALICE, "approve")))

    assert (barred.state, barred.by) == ("approved", (BOB,)), "Bob has the first place"
    assert happened(barred, "opened") == [("opened", (BOB,), "panel 0, quorum 1")]
    assert (allowed.state, allowed.by) == ("approved", (ALICE,))


def test_a_barred_requester_s_vote_is_not_counted() -> None:
    asked = gate(rules(Panel(approvers=(ALICE, BOB))), requester=ALICE)

    decision, _ = keep(asked, *(cast(5, place, vote(5, ALICE, "approve")) for place in range(2)))

    assert (decision.state, decision.how) == ("rejected", "expired")


@pytest.mark.parametrize("on_expiry", ["reject", "approve", "escalate"])
def test_a_quorum_that_cannot_be_reached_rejects_at_once(on_expiry: str) -> None:
    decision, trace = keep(gate(rules(Panel(approvers=(ALICE,)), on_expiry=on_expiry), requester=ALICE))

    assert (decision.state, decision.how) == ("rejected", "unreachable_quorum")
    assert trace.started == []


@pytest.mark.parametrize("code", ["mail_refused", "later"])
def test_a_notification_that_fails_does_not_lose_the_gate(code: str) -> None:
    office = Office(broken=code)

    early, _ = keep(gate(rules()), cast(2, 0, vote(2, ALICE, "approve")), office=office)
    later, _ = keep(gate(rules()), cast(2 * DAY, 0, vote(2 * DAY, ALICE, "approve")), office=office)

    assert early.state == later.state == "approved"
    told = "mail: mail_refused" if code == "mail_refused" else "mail: mail_unavailable"
    assert ("not_notified", (ALICE, BOB, CAROL), told) in happened(later)
    assert ("not_reminded", (ALICE, BOB, CAROL), told) in happened(later)


def test_a_notification_that_is_tried_again_is_dropped_once_it_is_decided() -> None:
    _, trace = keep(gate(rules()), cast(2.5, 0, vote(2.5, ALICE, "approve")), office=Office(broken="later"))

    assert trace.seconds < 4, "no backoff keeps the gate running"


def test_ignored_events_do_not_make_the_audit_list_endless() -> None:
    events = [cast(5 + number, 0, "junk", wait=number) for number in range(50)]

    decision, _ = keep(gate(rules()), *events)

    assert len(happened(decision, "ignored")) == 20
    assert decision.unlisted == 30


def test_a_status_of_the_largest_panel_fits_durable_s_limit() -> None:
    approvers = tuple(f"{number:03}{'a' * 113}@example.com" for number in range(20))
    asked = gate(rules(Panel(approvers=approvers, quorum=20)))
    events = [cast(5 + place, place, vote(5 + place, approver, "approve")) for place, approver in enumerate(approvers)]

    decision, trace = keep(asked, *events)

    assert decision.state == "approved"
    assert max(len(json.dumps(status).encode()) for status in trace.statuses if status) < 16 * 1024


SPOILT: tuple[dict[str, Any], ...] = ({}, {}, {}, {"choice": "approve"}, {"asked": "0"}, {"signature": "x"}, {"at": 1})


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    """Votes and junk in any order, early, late, twice, in anybody's place, some of them at the same moment."""
    moments = st.integers(0, 3 * DAY).map(float) | st.sampled_from([0.0, 1.0, float(DAY), float(2 * DAY)])
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 14))):
        at = draw(moments)
        place, panel, wait = draw(st.integers(0, 3)), draw(st.integers(0, 1)), draw(st.integers(0, 2))
        approver = draw(st.sampled_from((ALICE, BOB, CAROL, DAVE)))
        made = vote(at, approver, draw(st.sampled_from(("approve", "approve", "reject", "revise"))), panel=panel)
        spoilt: dict[str, Any] = draw(
            st.sampled_from(({}, {}, {}, {"choice": "approve"}, {"asked": "0"}, {"signature": "x"}, {"at": 1}))
        )
        value: Any = draw(st.sampled_from(({**made, **spoilt}, {**made, **spoilt}, "junk", None)))
        events.append(cast(at, place, json.dumps(value) if draw(st.booleans()) else value, panel=panel, wait=wait))
    return events


def approvals_sent(events: list[Event], panel: int, approvers: tuple[str, ...]) -> set[str]:
    """Those whose genuine approval was raised in their own place."""
    found = set()
    for _, name, value in events:
        try:
            read = json.loads(value) if isinstance(value, str) else value
            sent = Vote.model_validate(read)
        except ValueError:
            continue
        genuine = is_genuine(SECRET, sent) and sent.asked == hash_of(ASKED)
        places = [
            name.startswith(f"vote-{panel}-{place}-")
            for place, approver in enumerate(approvers)
            if approver == sent.approver
        ]
        if genuine and sent.panel == panel and sent.choice == "approve" and any(places):
            found.add(sent.approver)
    return found


@settings(max_examples=150, deadline=None)
@given(any_events(), st.integers(1, 2), st.sampled_from(["reject", "escalate"]), st.sampled_from([0.0, 0.5, 7.0]))
def test_whatever_comes_only_a_quorum_of_genuine_approvals_approves(
    events: list[Event], quorum: int, on_expiry: str, verifying: float
) -> None:
    panels = (Panel(approvers=(ALICE, BOB, CAROL), quorum=quorum), Panel(approvers=(CAROL, DAVE), quorum=quorum))
    asked = gate(rules(*panels, on_expiry=on_expiry, timeout_seconds=DAY))

    decision, trace = keep(asked, *events, office=Office(verifying_seconds=verifying))

    if decision.state == "approved":
        approving = [approvals_sent(events, number, panel.approvers) for number, panel in enumerate(panels)]
        assert len(decision.by) >= quorum
        assert any(set(decision.by) <= each for each in approving)
        assert not [each for each in decision.audit if each.event == "voted" and each.detail != "approve"]
    decided = [status for status in trace.statuses if status and status["state"] != "open"]
    assert {(each["state"], tuple(each["by"]), each["at"]) for each in decided} == {
        (decision.state, decision.by, decided[0]["at"])
    }, "a decided gate never changes"
    assert [each.event for each in decision.audit].count("decided") == 1
    assert decision.audit[-1].event == "decided"


@settings(max_examples=60, deadline=None)
@given(any_events(), any_events())
def test_what_comes_after_the_decision_changes_nothing(events: list[Event], later: list[Event]) -> None:
    asked = gate(rules(timeout_seconds=DAY))
    decision, before = keep(asked, *events)
    after = [(before.seconds + 1 + at, name, value) for at, name, value in later]

    again, _ = keep(asked, *events, *after)

    assert again == decision


@settings(max_examples=40, deadline=None)
@given(any_events())
def test_two_replays_of_one_gate_are_the_same(events: list[Event]) -> None:
    asked = gate(rules(timeout_seconds=DAY))

    assert keep(asked, *events)[1].history == keep(asked, *events)[1].history
