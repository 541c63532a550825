"""The HTTP API of approval: a link shows the content and takes one answer; nothing else changes a gate."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from loopback.functions.replay.recorded import differences
from murmuration.contracts.content import Content, Reference
from murmuration.policy.gates import hash_of
from murmuration.services.current import current_settings
from tests.approval.gates_on_loopback import (
    ALICE,
    BOB,
    SECRET,
    ApprovalApp,
    approval_app,
    at_once,
    link_in,
    settings,
)

DAY = 86_400
EVENT_RAISED = 15
PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORM = {**PAGE, "Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApprovalApp]:
    """One app for all tests. Its clock only ever moves on."""
    with approval_app(tmp_path_factory.mktemp("approval")) as served:
        yield served


def test_a_link_from_a_mail_shows_the_content_and_an_approval_decides(app: ApprovalApp) -> None:
    run = app.ask("mail", title="The release notes", text="Publish the notes of version 2?")
    mails = app.mails_of(run, 2)
    link = link_in(next(mail for mail in mails if mail["To"] == BOB).get_content())

    shown = app.host.call("GET", link)
    answer = app.answer(link, "approve", "well done")

    assert sorted(mail["To"] for mail in mails) == [ALICE, BOB]
    assert mails[0]["Subject"] == "Please decide: The release notes"
    assert "Publish the notes" not in mails[0].as_string(), "the content stays behind the link"
    assert shown.json["content"] == "Publish the notes of version 2?"
    assert shown.json["content_hash"] == hash_of(Content(text="Publish the notes of version 2?"))
    assert (answer.status, answer.json["state"], answer.json["by"]) == (200, "approved", [BOB])
    decision = app.decision(run)
    assert (decision.state, decision.by) == ("approved", (BOB,))
    assert [(entry.who, entry.comment) for entry in decision.audit if entry.event == "voted"] == [((BOB,), "well done")]


def test_a_browser_gets_a_page_without_scripts_and_posts_its_form(app: ApprovalApp) -> None:
    evil = '</pre><script>alert(1)</script>" onload="x'
    run = app.ask("browser", title=f"Plan {evil}", text=f"Text {evil}", requester=evil)
    link = app.link(run)

    page = app.host.call("GET", link, **PAGE)
    text = page.content.decode()
    body = urlencode({"decision": "revise", "comment": f"shorter\r\nplease {evil}"}).encode()
    answer = app.host.call("POST", link, body, **FORM)
    again = app.host.call("GET", link, **PAGE)

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert '" onload' not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert '<html lang="en">' in text
    assert '<label for="comment">' in text
    assert (answer.status, b"It is decided: revise." in answer.content) == (200, True)
    assert (again.status, b"revise, by alice@example.com" in again.content) == (409, True)
    assert app.decision(run).comment == f"shorter\nplease {evil}"


def test_a_revision_that_cannot_be_made_is_not_offered_and_refused(app: ApprovalApp) -> None:
    run = app.ask("last", may_revise=False)
    link = app.link(run)
    offered = app.link(app.ask("first"))

    page = app.host.call("GET", link, **PAGE).content.decode()
    refused = app.answer(link, "revise", "shorter")
    form = app.host.call("POST", link, b"decision=revise&comment=shorter", **FORM)

    assert 'value="approve"' in page
    assert 'value="reject"' in page
    assert "revis" not in page
    assert 'value="revise"' in app.host.call("GET", offered, **PAGE).content.decode()
    assert app.host.call("GET", link).json["choices"] == ["approve", "reject"]
    assert app.host.call("GET", offered).json["choices"] == ["approve", "reject", "revise"]
    assert (refused.status, refused.json["title"], refused.json["choices"]) == (
        409, "Not offered", ["approve", "reject"],
    )  # fmt: skip
    assert "'revise' is not offered" in refused.json["detail"]
    assert (form.status, b"<h1>Not offered</h1>" in form.content) == (409, True)
    assert app.status(run)["votes"] == []
    assert app.answer(link, "approve").status == 200


def test_reading_a_link_changes_nothing(app: ApprovalApp) -> None:
    run = app.ask("scanner")
    link = app.link(run)
    app.until(lambda: len(app.mails_of(run, 2)) == 2)
    before = app.host.recorded(f"{run}-gate-1").events

    for headers in ({}, PAGE) * 5:
        assert app.host.call("GET", link, **headers).status == 200

    after = app.host.recorded(f"{run}-gate-1").events
    assert [event for event in after if event["EventType"] == EVENT_RAISED] == []
    assert len(before) <= len(after)
    assert app.status(run)["state"] == "open"


def test_a_link_takes_one_answer_and_then_tells_the_decision(app: ApprovalApp) -> None:
    run = app.ask("reuse")
    link = app.link(run)
    assert app.answer(link, "reject", "no").status == 200
    decided = app.decision(run)

    for answer in (
        app.answer(link, "approve"),
        app.answer(app.link(run, BOB), "approve"),
        app.host.call("GET", link),
    ):
        assert answer.status == 409
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["title"] == "Already decided"
        assert "rejected, by alice@example.com" in answer.json["detail"]
        assert answer.json["decision"]["at"] == app.status(run)["at"].replace("Z", "+00:00")
    assert app.decision(run) == decided


def test_an_approver_s_second_answer_is_refused_with_the_first(app: ApprovalApp) -> None:
    run = app.ask("second", quorum=2)
    link = app.link(run)
    first = app.answer(link, "approve")

    second = app.answer(link, "reject")

    assert (first.status, first.json["state"]) == (200, "open")
    assert (second.status, second.json["title"]) == (409, "Already answered")
    assert app.host.call("GET", link).json["title"] == "Already answered"
    assert (second.json["answer"]["by"], second.json["answer"]["choice"]) == (ALICE, "approve")
    assert app.answer(app.link(run, BOB), "approve").json["state"] == "approved"
    assert app.decision(run).by == (ALICE, BOB)


def test_one_of_two_contradictory_answers_counts_and_the_other_is_refused(app: ApprovalApp) -> None:
    for number in range(5):
        run = app.ask(f"race-{number}")
        link = app.link(run)

        answers = at_once(partial(app.answer, link, "approve"), partial(app.answer, link, "reject"))

        assert sorted(answer.status for answer in answers) == [200, 409], [answer.content for answer in answers]
        [won] = [answer for answer in answers if answer.status == 200]
        assert app.decision(run).state == won.json["state"]


def test_two_approvers_who_answer_at_once_both_count(app: ApprovalApp) -> None:
    for number in range(5):
        run = app.ask(f"together-{number}", quorum=2)
        links = [app.link(run, approver) for approver in (ALICE, BOB)]

        answers = at_once(*(partial(app.answer, link, "approve") for link in links))

        assert [answer.status for answer in answers] == [200, 200], [answer.content for answer in answers]
        assert sorted(app.decision(run).by) == [ALICE, BOB]


def test_a_gate_of_another_tenant_is_not_found(app: ApprovalApp) -> None:
    run = app.ask("theirs", tenant="another")
    link = app.link(run)

    answers = (
        app.host.call("GET", link),
        app.answer(link, "approve"),
        app.host.call("GET", f"/api/runs/{run}/gates"),
    )

    assert [(answer.status, answer.json["title"]) for answer in answers] == [(404, "Not found")] * 3
    assert app.status(run)["votes"] == []


def test_links_that_were_not_made_for_this_gate_are_refused(app: ApprovalApp) -> None:
    run = app.ask("foreign")
    good = app.link(run)
    other_tenant = app.ask("foreign", tenant="another")
    cases = {
        "altered": (good[:-1] + ("A" if good[-1] != "A" else "B"), 403),
        "cut off": (good[:-20], 403),
        "another secret": (app.link(run, secret=SECRET[::-1]), 403),
        "no link": ("/api/approvals/none", 403),
        "another tenant": (app.link(run, gate=f"{other_tenant}-gate-1"), 404),
        "another run": (app.link(run, gate="nobody-1-gate-1"), 404),
        "the run itself": (app.link(run, gate=run), 404),
        "a gate that is not open": (app.link(run, gate=f"{run}-gate-2"), 404),
        "other content": (app.link(run, content_hash="0" * 64), 403),
        "an earlier panel": (app.link(run, panel=-1), 410),
        "an approver who is not asked": (app.link(run, "eve@example.com"), 403),
        "expired": (app.link(run, expires="2020-01-01T00:00:00Z"), 410),
    }

    for name, (link, status) in cases.items():
        for answer in (app.host.call("GET", link), app.answer(link, "approve")):
            assert answer.status == status, (name, answer.content)
            assert answer.json["title"] in ("Link refused", "Link expired", "Not found"), name
            assert app.host.call("GET", link, **PAGE).status == status
    assert app.status(run)["state"] == "open"
    assert app.answer(good, "approve").status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"decision": "yes"}, "decision: Input should be 'approve', 'reject' or 'revise' (got 'yes')"),
        ({}, "decision: is missing"),
        ({"decision": "revise"}, "comment: is needed to revise"),
        ({"decision": "approve", "comment": "x" * 2_001}, "comment: "),
        ({"decision": "approve", "approver": BOB}, "approver: unknown field"),
        ({"decision": ["approve"]}, "decision: "),
        (b"decision=approve", "the body is not JSON"),
        (b"\xff", "the body is not UTF-8"),
    ],
)
def test_a_malformed_answer_is_refused_with_its_field(app: ApprovalApp, body: Any, message: str) -> None:
    run = app.ask("body")

    answer = app.host.call("POST", app.link(run), body)

    assert answer.status == 400
    assert message in answer.json["detail"]
    assert app.status(run)["state"] == "open"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"decision=approve&decision=reject", "the form has it twice"),
        (b"decision=maybe", "decision: "),
        (b"decision=revise&comment=", "comment: is needed"),
        (b"decision=%ff", "not a form"),
        (b"", "decision: is missing"),
    ],
)
def test_a_malformed_form_is_refused_with_a_page(app: ApprovalApp, body: bytes, message: str) -> None:
    run = app.ask("body")

    answer = app.host.call("POST", app.link(run), body, **FORM)

    assert answer.status == 400
    assert message in answer.content.decode().replace("&#x27;", "'")
    assert app.status(run)["state"] == "open"


def test_events_that_are_raised_past_the_http_api_decide_nothing(app: ApprovalApp) -> None:
    """Whoever starts a run gets Durable's URLs, which raise any event, but can't sign a vote."""
    run = app.ask("forged", ALICE)
    gate = f"{run}-gate-1"
    status = app.status(run)
    forged = {
        "gate": gate,
        "panel": 0,
        "content_hash": hash_of(Content(text="Publish it?")),
        "approver": ALICE,
        "choice": "approve",
        "comment": "",
        "id": "1",
        "at": "2026-01-01T00:00:00Z",
        "signature": "AAAA",
    }
    for number, value in enumerate((forged, json.dumps(forged), {**forged, "content_hash": "0"}, True, None)):
        assert app.host.raise_event(gate, f"vote-0-0-{number}", value) == 202
        app.until(partial(_waits, app, run, number + 1))

    assert (app.status(run)["state"], app.status(run)["votes"]) == (status["state"], [])
    assert app.answer(app.link(run), "approve").json["state"] == "approved"
    reasons = [entry.detail for entry in app.decision(run).audit if entry.event == "ignored"]
    assert reasons == ["forged", "forged", "for_other_content", "malformed", "malformed"]


def _waits(app: ApprovalApp, run: str, number: int) -> bool:
    return bool(app.status(run)["waits"] == [number])


def test_a_late_answer_is_refused_with_the_decision(app: ApprovalApp) -> None:
    run = app.ask("late", timeout_seconds=10 * DAY)
    link = app.link(run)
    app.host.advance(timedelta(days=10, seconds=1))
    decision = app.decision(run)

    answer = app.answer(link, "approve")

    assert (decision.state, decision.how) == ("rejected", "expired")
    assert (answer.status, answer.json["decision"]["state"]) == (409, "rejected")
    assert "by nobody" in answer.json["detail"]


def test_thirty_days_with_a_reminder_and_an_escalation(app: ApprovalApp) -> None:
    panels = [{"approvers": [ALICE]}, {"approvers": [BOB]}]
    run = app.ask("month", panels=panels, timeout_seconds=30 * DAY, on_expiry="escalate")
    first = app.link(run)
    for day in range(30):
        kinds = [mail["Subject"].split(":")[0] for mail in app.mails_of(run, 1 if day < 15 else 2)]
        assert kinds == ["Please decide"] + ["Reminder"] * (day >= 15)
        app.host.advance(timedelta(days=1))
    app.until(lambda: app.status(run)["panel"] == 1)

    moved_on = app.answer(first, "approve")
    mail = app.mails_of(run, 3)[2]
    answer = app.answer(link_in(mail.get_content()), "approve")

    recorded = app.host.recorded(f"{run}-gate-1")
    assert differences(app.host.orchestrators["approval_gate"], recorded) == [], "the recorded history replays"
    assert (moved_on.status, moved_on.json["title"]) == (410, "Link expired")
    assert (mail["To"], answer.json["state"]) == (BOB, "approved")
    assert [entry.event for entry in app.decision(run).audit if entry.event != "not_notified"] == [
        "opened", "notified", "notified", "reminded", "reminded", "expired", "opened", "notified", "notified", "voted",
        "decided",
    ]  # fmt: skip


def test_a_run_that_was_terminated_leaves_nothing_to_decide(app: ApprovalApp) -> None:
    run = app.ask("stopped")
    link = app.link(run)
    app.host.control(run, "terminate")
    app.host.wait(run)

    answer = app.answer(link, "approve")

    assert (answer.status, answer.json["title"]) == (409, "Closed")


def test_an_answer_that_takes_long_to_count_is_not_lost(app: ApprovalApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmuration.approval.web.routes.MAX_EFFECT_SECONDS", 0.0)
    run = app.ask("slow")
    link = app.link(run)

    answer = app.answer(link, "approve")

    assert (answer.status, "Open the link again" in answer.json["detail"]) == (202, True)
    assert app.decision(run).by == (ALICE,)
    assert app.host.call("GET", link).json["decision"]["state"] == "approved"


def test_a_gate_that_was_terminated_rejects(app: ApprovalApp) -> None:
    run = app.ask("gate-stopped")
    link = app.link(run)
    app.host.control(f"{run}-gate-1", "terminate")

    decision = app.decision(run)

    assert (decision.state, decision.how) == ("rejected", "gate_broke")
    assert app.answer(link, "approve").json["detail"] == "the gate was closed without a decision, which rejects"


def test_large_content_is_shown_from_its_artifact(app: ApprovalApp) -> None:
    text = "A long plan. " * 2_000
    reference = Reference(artifact=f"large/{hash_of(Content(text=text))}", bytes=len(text))
    run = app.ask("large", text=Content(reference=reference))
    link = app.link(run)
    missing = app.host.call("GET", link)
    page = app.host.call("GET", link, **PAGE)
    _store(reference, text)

    shown = app.host.call("GET", link)

    assert (missing.status, missing.json["title"]) == (503, "Not available")
    assert (page.status, b"<h1>Not available</h1>" in page.content) == (503, True)
    assert {answer.headers["Cache-Control"] for answer in (missing, page, shown)} == {"no-store"}
    assert (shown.status, shown.json["content"]) == (200, text)


def test_an_artifact_that_was_exchanged_is_not_shown(app: ApprovalApp) -> None:
    reference = Reference(artifact=f"exchanged/{'0' * 64}", bytes=3)
    run = app.ask("exchanged", text=Content(reference=reference))
    _store(reference, "Something else")

    assert app.host.call("GET", app.link(run)).status == 403


def _store(reference: Reference, text: str) -> None:
    path = Path(current_settings().artifacts_url.removeprefix("file://")) / reference.artifact
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_no_link_signature_or_secret_is_in_the_history_or_status_of_a_run(app: ApprovalApp) -> None:
    run = app.ask("canary")
    mail = app.mails_of(run, 2)[0]
    signature = link_in(mail.get_content()).rpartition(".")[2]

    for instance in (run, f"{run}-gate-1"):
        recorded = json.dumps([app.host.recorded(instance).events, app.host.status(instance)])
        assert signature not in recorded
        assert SECRET not in recorded
        assert "s3cret-part" not in recorded


def test_an_operator_gets_an_approver_s_links_to_open_gates(app: ApprovalApp) -> None:
    run = app.ask("operator", quorum=2)
    path = f"/api/runs/{run}/gates"

    [plain] = app.host.call("GET", path).json["gates"]
    [row] = app.host.call("GET", f"{path}?approver=Alice@example.com").json["gates"]
    [none] = app.host.call("GET", f"{path}?approver=eve@example.com").json["gates"]
    answer = app.answer(link_in(row["link"]), "approve")
    [answered] = app.host.call("GET", f"{path}?approver={ALICE}").json["gates"]

    assert "link" not in plain
    assert (row["state"], row["approvers"], row["quorum"]) == ("open", [ALICE, BOB], 2)
    assert answer.status == 200
    assert none["link"] is None
    assert (answered["link"], [vote["by"] for vote in answered["votes"]]) == (None, [ALICE])
    assert app.host.call("GET", "/api/runs/nobody-1/gates").status == 404


def test_without_a_secret_the_missing_setting_is_named(app: ApprovalApp) -> None:
    run = app.ask("no-secret")
    link = app.link(run)
    with settings(APPROVAL_SECRET=None):
        answer = app.answer(link, "approve")

    assert answer.status == 503
    assert "APPROVAL_SECRET is missing" in answer.json["detail"]
