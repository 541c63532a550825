"""A gate decides once: by genuine votes that came in time, or as its rules say when time is over."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.functions.protocol import TIMER_CREATED, parse_timestamp
from murmuration.contracts.approvals import Decision, Panel, Vote
from murmuration.durable.sdk import MAX_TIMER
from murmuration.policy.gates import hash_of
from murmuration.policy.links import is_genuine
from tests.approval.scripted_gates import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    DAVE,
    DAY,
    SECRET,
    Event,
    GateSteps,
    event,
    rules,
    run_gate,
    vote,
)


def entries(decision: Decision, *kinds: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(entry.event, entry.who, entry.detail) for entry in decision.audit if not kinds or entry.event in kinds]


def test_one_approval_decides_with_a_quorum_of_one() -> None:
    decision, trace = run_gate(rules(), event(60, 1, vote(60, BOB, "approve", comment="fine")))

    assert (decision.state, decision.how, decision.by) == ("approved", "votes", (BOB,))
    assert trace.seconds == 60, "no timer holds it up"
    assert entries(decision) == [
        ("opened", (ALICE, BOB, CAROL), "panel 0, quorum 1"),
        ("not_notified", (ALICE, BOB, CAROL), "webhook: not_configured"),
        ("notified", (ALICE, BOB, CAROL), "mail"),
        ("voted", (BOB,), "approve"),
        ("decided", (BOB,), "approved: votes"),
    ]
    assert [entry.comment for entry in decision.audit if entry.event == "voted"] == ["fine"]


def test_two_of_three_have_to_approve() -> None:
    gate_rules = rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2))

    decision, trace = run_gate(
        gate_rules, event(10, 0, vote(10, ALICE, "approve")), event(20, 2, vote(20, CAROL, "approve"))
    )

    assert (decision.state, decision.by) == ("approved", (ALICE, CAROL))
    shown = [status for status in trace.statuses if status and status["votes"]]
    assert [(len(status["votes"]), status["state"]) for status in (shown[0], shown[-1])] == [
        (1, "open"),
        (2, "approved"),
    ]


@pytest.mark.parametrize(("choice", "state"), [("reject", "rejected"), ("revise", "revise")])
def test_one_who_does_not_approve_stops_it_and_says_why(choice: str, state: str) -> None:
    gate_rules = rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2))
    events = (event(10, 0, vote(10, ALICE, "approve")), event(20, 1, vote(20, BOB, choice, comment="name a source")))

    decision, _ = run_gate(gate_rules, *events)

    assert (decision.state, decision.by, decision.comment) == (state, (BOB,), "name a source")


def test_a_wish_that_is_not_offered_is_ignored_with_a_reason_and_the_approver_may_answer_again() -> None:
    events = (
        event(10, 0, vote(10, ALICE, "revise", comment="shorter")),
        event(20, 0, vote(20, ALICE, "approve"), wait=1),
    )

    decision, _ = run_gate(rules(Panel(approvers=(ALICE,))), *events, may_revise=False)

    assert (decision.state, decision.by) == ("approved", (ALICE,))
    assert [(entry.who, entry.detail) for entry in decision.audit if entry.event == "ignored"] == [
        ((ALICE,), "not_offered")
    ]


def test_an_approver_who_has_not_answered_is_reminded_and_may_still_approve() -> None:
    steps = GateSteps(channels=("mail", "webhook"))
    gate_rules = rules(Panel(approvers=(ALICE, BOB), quorum=2), timeout_seconds=10 * DAY, remind_after=0.7)
    events = (event(10, 0, vote(10, ALICE, "approve")), event(8 * DAY, 1, vote(8 * DAY, BOB, "approve")))

    decision, trace = run_gate(gate_rules, *events, steps=steps)

    assert decision.state == "approved"
    assert sorted(steps.sent) == [
        ("reminder", "mail", (BOB,)),
        ("reminder", "webhook", (BOB,)),
        ("request", "mail", (ALICE, BOB)),
        ("request", "webhook", (ALICE, BOB)),
    ]
    reminders = [at for at, _, message in trace.started if message["value"].get("kind") == "reminder"]
    assert reminders == [7 * DAY, 7 * DAY]


def test_nobody_is_reminded_when_the_rules_say_never() -> None:
    steps = GateSteps()

    decision, _ = run_gate(rules(remind_after=1), steps=steps)

    assert decision.state == "rejected"
    assert [kind for kind, *_ in steps.sent] == ["request"]


@pytest.mark.parametrize(("on_expiry", "state"), [("reject", "rejected"), ("approve", "approved")])
def test_silence_means_what_the_rules_say(on_expiry: str, state: str) -> None:
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB,)))

    decision, trace = run_gate(rules(*panels, on_expiry=on_expiry, timeout_seconds=DAY))

    assert (decision.state, decision.how, decision.by) == (state, "expired", ())
    assert trace.seconds == DAY, "the second panel is for escalation alone"


def test_after_the_time_of_a_panel_the_next_is_asked() -> None:
    steps = GateSteps()
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB, CAROL)))
    gate_rules = rules(*panels, on_expiry="escalate", timeout_seconds=DAY)
    late = vote(DAY + 5, ALICE, "reject")

    decision, _ = run_gate(
        gate_rules,
        event(DAY + 5, 0, late),
        event(DAY + 10, 1, vote(DAY + 10, CAROL, "approve", panel=1), panel=1),
        steps=steps,
    )

    assert (decision.state, decision.by) == ("approved", (CAROL,))
    assert [who for kind, _, who in steps.sent if kind == "request"] == [(ALICE,), (BOB, CAROL)]
    assert entries(decision, "expired") == [("expired", (), "panel 0")]


def test_when_the_last_panel_is_silent_escalation_rejects() -> None:
    panels = (Panel(approvers=(ALICE,)), Panel(approvers=(BOB,)))

    decision, trace = run_gate(rules(*panels, on_expiry="escalate", timeout_seconds=DAY))

    assert (decision.state, decision.how) == ("rejected", "expired")
    assert trace.seconds == 2 * DAY


def test_thirty_days_are_waited_in_steps_the_sdk_can_cancel() -> None:
    gate_rules = rules(timeout_seconds=30 * DAY)
    late = 29 * DAY + 3

    decision, trace = run_gate(gate_rules, event(late, 0, vote(late, ALICE, "approve")))

    assert decision.state == "approved"
    assert trace.seconds == late, "the timer that lost is cancelled"
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
    "time without a zone": ({**vote(5, ALICE, "approve"), "at": "2026-01-01T00:00:05"}, "malformed"),
    "other gate": (vote(5, ALICE, "approve", gate="run-2"), "for_another_gate"),
    "other panel": (vote(5, ALICE, "approve", panel=1), "for_another_gate"),
    "other content": (vote(5, ALICE, "approve", content_hash="0" * 64), "for_other_content"),
    "other approver": (vote(5, BOB, "approve"), "by_someone_else"),
    "no approver": (vote(5, DAVE, "approve"), "by_someone_else"),
    "after the time": (vote(4 * DAY, ALICE, "approve"), "late"),
    "no signature": ({**vote(5, ALICE, "approve"), "signature": ""}, "forged"),
    "signature without UTF-8": ({**vote(5, ALICE, "approve"), "signature": "\ud800"}, "forged"),
    "id without UTF-8": ({**vote(5, ALICE, "approve"), "id": "\ud800"}, "forged"),
    "signature of another vote": ({**vote(5, ALICE, "reject"), "choice": "approve"}, "forged"),
}


@pytest.mark.parametrize("name", IGNORED)
@pytest.mark.parametrize("as_text", [False, True], ids=["raw", "text"])
def test_an_invalid_vote_is_ignored_and_leaves_room_for_a_valid_one(name: str, as_text: bool) -> None:
    value, reason = IGNORED[name]
    sent = json.dumps(value) if as_text else value

    silent, _ = run_gate(rules(), event(5, 0, sent))
    voted, _ = run_gate(rules(), event(5, 0, sent), event(9, 0, vote(9, ALICE, "approve"), wait=1))

    assert (silent.state, silent.how) == ("rejected", "expired")
    assert entries(silent, "ignored") == [("ignored", (ALICE,), reason)]
    assert (voted.state, voted.by) == ("approved", (ALICE,))


def test_a_vote_that_comes_as_json_text_counts() -> None:
    decision, _ = run_gate(rules(), event(5, 0, json.dumps(vote(5, ALICE, "approve"))))

    assert decision.state == "approved"


def test_an_event_for_nobody_is_never_read() -> None:
    decision, _ = run_gate(rules(), event(5, 7, vote(5, DAVE, "approve")), (6, "approve", vote(6, ALICE, "approve")))

    assert (decision.state, decision.how) == ("rejected", "expired")


def test_an_approver_s_first_vote_counts_and_a_second_changes_nothing() -> None:
    gate_rules = rules(Panel(approvers=(ALICE, BOB), quorum=2))
    events = (
        event(5, 0, vote(5, ALICE, "approve")),
        event(6, 0, vote(6, ALICE, "approve"), wait=1),
        event(7, 0, vote(7, ALICE, "reject"), wait=2),
        event(8, 1, vote(8, BOB, "approve")),
    )

    decision, _ = run_gate(gate_rules, *events)

    assert (decision.state, decision.by) == ("approved", (ALICE, BOB))
    assert entries(decision, "ignored") == [("ignored", (ALICE,), "answered_already")] * 2


def test_a_rejection_that_came_in_before_the_quorum_was_verified_counts() -> None:
    events = (event(5, 0, vote(5, ALICE, "approve")), event(5.5, 1, vote(5.5, BOB, "reject")))

    decision, _ = run_gate(rules(), *events, steps=GateSteps(verifying_seconds=1))

    assert (decision.state, decision.by) == ("rejected", (BOB,))


def test_a_vote_that_came_in_time_counts_even_if_it_is_verified_after_it() -> None:
    events = (event(DAY - 1, 0, vote(DAY - 1, ALICE, "approve")),)

    decision, _ = run_gate(rules(timeout_seconds=DAY), *events, steps=GateSteps(verifying_seconds=5))

    assert (decision.state, decision.by) == ("approved", (ALICE,))


def test_a_vote_at_the_very_start_is_not_missed() -> None:
    decision, _ = run_gate(rules(), event(0, 0, vote(0, ALICE, "approve")))

    assert decision.state == "approved"


def test_the_requester_may_be_barred() -> None:
    own = event(5, 0, vote(5, BOB, "approve"))
    barred, _ = run_gate(rules(Panel(approvers=(ALICE, BOB))), own, requester="Alice@Example.com")
    allowed, _ = run_gate(rules(bar_requester=False), event(5, 0, vote(5, ALICE, "approve")), requester=ALICE)

    assert (barred.state, barred.by) == ("approved", (BOB,)), "Bob is the first in the panel"
    assert entries(barred, "opened") == [("opened", (BOB,), "panel 0, quorum 1")]
    assert (allowed.state, allowed.by) == ("approved", (ALICE,))


def test_a_barred_requester_s_vote_is_not_counted() -> None:
    gate_rules = rules(Panel(approvers=(ALICE, BOB)))

    decision, _ = run_gate(
        gate_rules, *(event(5, index, vote(5, ALICE, "approve")) for index in range(2)), requester=ALICE
    )

    assert (decision.state, decision.how) == ("rejected", "expired")


@pytest.mark.parametrize("on_expiry", ["reject", "approve", "escalate"])
def test_a_quorum_that_cannot_be_reached_rejects_at_once(on_expiry: str) -> None:
    decision, trace = run_gate(rules(Panel(approvers=(ALICE,)), on_expiry=on_expiry), requester=ALICE)

    assert (decision.state, decision.how) == ("rejected", "unreachable_quorum")
    assert trace.started == []


@pytest.mark.parametrize("code", ["mail_refused", "later"])
def test_a_notification_that_fails_stops_no_gate(code: str) -> None:
    steps = GateSteps(failure=code)

    early, _ = run_gate(rules(), event(2, 0, vote(2, ALICE, "approve")), steps=steps)
    later, _ = run_gate(rules(), event(2 * DAY, 0, vote(2 * DAY, ALICE, "approve")), steps=steps)

    assert early.state == later.state == "approved"
    detail = "mail: mail_refused" if code == "mail_refused" else "mail: mail_unavailable"
    assert ("not_notified", (ALICE, BOB, CAROL), detail) in entries(later)
    assert ("not_reminded", (ALICE, BOB, CAROL), detail) in entries(later)


def test_a_notification_that_is_tried_again_is_dropped_once_it_is_decided() -> None:
    _, trace = run_gate(rules(), event(2.5, 0, vote(2.5, ALICE, "approve")), steps=GateSteps(failure="later"))

    assert trace.seconds < 4, "no backoff keeps the gate running"


def test_ignored_events_do_not_make_the_audit_list_endless() -> None:
    events = [event(5 + number, 0, "junk", wait=number) for number in range(50)]

    decision, _ = run_gate(rules(), *events)

    assert len(entries(decision, "ignored")) == 20
    assert decision.unlisted == 30


def test_a_status_of_the_largest_panel_fits_durable_s_limit() -> None:
    approvers = tuple(f"{number:03}{'a' * 113}@example.com" for number in range(20))
    gate_rules = rules(Panel(approvers=approvers, quorum=20))
    events = [event(5 + index, index, vote(5 + index, approver, "approve")) for index, approver in enumerate(approvers)]

    decision, trace = run_gate(gate_rules, *events)

    assert decision.state == "approved"
    assert max(len(json.dumps(status).encode()) for status in trace.statuses if status) < 16 * 1024


CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"choice": "approve"},
    {"content_hash": "0"},
    {"signature": "x"},
    {"at": 1},
)
"""Changes that are made to a vote after it was signed."""


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    """Votes and junk in any order, early, late, twice, in anybody's name, some of them at the same time."""
    times = st.integers(0, 3 * DAY).map(float) | st.sampled_from([0.0, 1.0, float(DAY), float(2 * DAY)])
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 14))):
        at = draw(times)
        index, panel, wait = draw(st.integers(0, 3)), draw(st.integers(0, 1)), draw(st.integers(0, 2))
        approver = draw(st.sampled_from((ALICE, BOB, CAROL, DAVE)))
        signed = vote(at, approver, draw(st.sampled_from(("approve", "approve", "reject", "revise"))), panel=panel)
        sent = {**signed, **draw(st.sampled_from(CHANGES))}
        value: Any = draw(st.sampled_from((sent, sent, "junk", None)))
        events.append(event(at, index, json.dumps(value) if draw(st.booleans()) else value, panel=panel, wait=wait))
    return events


def approvals_sent(events: list[Event], panel: int, approvers: tuple[str, ...]) -> set[str]:
    """Return the approvers whose genuine approval was raised in their own name."""
    approving = set()
    for _, name, value in events:
        try:
            sent = Vote.model_validate(json.loads(value) if isinstance(value, str) else value)
        except ValueError:
            continue
        genuine = is_genuine(SECRET, sent) and sent.content_hash == hash_of(CONTENT)
        own_name = any(
            name.startswith(f"vote-{panel}-{index}-")
            for index, approver in enumerate(approvers)
            if approver == sent.approver
        )
        if genuine and sent.panel == panel and sent.choice == "approve" and own_name:
            approving.add(sent.approver)
    return approving


@settings(max_examples=150, deadline=None)
@given(any_events(), st.integers(1, 2), st.sampled_from(["reject", "escalate"]), st.sampled_from([0.0, 0.5, 7.0]))
def test_whatever_comes_in_only_a_quorum_of_genuine_approvals_approves(
    events: list[Event], quorum: int, on_expiry: str, verifying: float
) -> None:
    panels = (Panel(approvers=(ALICE, BOB, CAROL), quorum=quorum), Panel(approvers=(CAROL, DAVE), quorum=quorum))
    gate_rules = rules(*panels, on_expiry=on_expiry, timeout_seconds=DAY)

    decision, trace = run_gate(gate_rules, *events, steps=GateSteps(verifying_seconds=verifying))

    if decision.state == "approved":
        approving = [approvals_sent(events, number, panel.approvers) for number, panel in enumerate(panels)]
        assert len(decision.by) >= quorum
        assert any(set(decision.by) <= approvers for approvers in approving)
        assert not [entry for entry in decision.audit if entry.event == "voted" and entry.detail != "approve"]
    decided = [status for status in trace.statuses if status and status["state"] != "open"]
    assert {(status["state"], tuple(status["by"]), status["at"]) for status in decided} == {
        (decision.state, decision.by, decided[0]["at"])
    }, "a decided gate never changes"
    assert [entry.event for entry in decision.audit].count("decided") == 1
    assert decision.audit[-1].event == "decided"


@settings(max_examples=60, deadline=None)
@given(any_events(), any_events())
def test_events_after_the_decision_change_nothing(events: list[Event], later: list[Event]) -> None:
    gate_rules = rules(timeout_seconds=DAY)
    decision, before = run_gate(gate_rules, *events)
    after = [(before.seconds + 1 + at, name, value) for at, name, value in later]

    again, _ = run_gate(gate_rules, *events, *after)

    assert again == decision


@settings(max_examples=40, deadline=None)
@given(any_events())
def test_two_replays_of_one_gate_are_the_same(events: list[Event]) -> None:
    gate_rules = rules(timeout_seconds=DAY)

    assert run_gate(gate_rules, *events)[1].history == run_gate(gate_rules, *events)[1].history
