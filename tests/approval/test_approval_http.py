"""The approvers' door: links show and decide, once; whatever else comes is answered and changes nothing."""

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
from murmuration.policy.tenancy import run_id, tenant_key
from murmuration.services.current import current_settings
from tests.approval.door import ALICE, BOB, SECRET, Door, at_once, link_in, open_door, settings

DAY = 86_400
EVENT_RAISED = 15
PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORM = {**PAGE, "Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door for all tests. Its clock only ever moves on."""
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


def test_a_link_from_a_mail_shows_what_is_asked_and_an_approval_opens_the_gate(door: Door) -> None:
    run = door.ask("mail", title="The release notes", text="Publish the notes of version 2?")
    mails = door.mails_of(run, 2)
    link = link_in(next(mail for mail in mails if mail["To"] == BOB).get_content())

    shown = door.host.call("GET", link)
    told = door.answer(link, "approve", "well done")

    assert sorted(mail["To"] for mail in mails) == [ALICE, BOB]
    assert mails[0]["Subject"] == "Please decide: The release notes"
    assert "Publish the notes" not in mails[0].as_string(), "what is asked stays behind the link"
    assert shown.json["asked"] == "Publish the notes of version 2?"
    assert shown.json["hash"] == hash_of(Content(text="Publish the notes of version 2?"))
    assert (told.status, told.json["state"], told.json["by"]) == (200, "approved", [BOB])
    decision = door.decision(run)
    assert (decision.state, decision.by) == ("approved", (BOB,))
    assert [(each.who, each.comment) for each in decision.audit if each.event == "voted"] == [((BOB,), "well done")]


def test_a_browser_gets_a_page_without_scripts_and_posts_its_form(door: Door) -> None:
    evil = '</pre><script>alert(1)</script>" onload="x'
    run = door.ask("browser", title=f"Plan {evil}", text=f"Text {evil}", requester=evil)
    link = door.link(run)

    page = door.host.call("GET", link, **PAGE)
    text = page.content.decode()
    body = urlencode({"decision": "revise", "comment": f"shorter\r\nplease {evil}"}).encode()
    told = door.host.call("POST", link, body, **FORM)
    again = door.host.call("GET", link, **PAGE)

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert '" onload' not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert '<html lang="en">' in text
    assert '<label for="comment">' in text
    assert (told.status, b"It is decided: revise." in told.content) == (200, True)
    assert (again.status, b"revise, by alice@example.com" in again.content) == (409, True)
    assert door.decision(run).comment == f"shorter\nplease {evil}"


def test_reading_a_link_changes_nothing(door: Door) -> None:
    run = door.ask("scanner")
    link = door.link(run)
    door.until(lambda: len(door.mails_of(run, 2)) == 2)
    before = door.host.recorded(f"{run}-gate-1").events

    for headers in ({}, PAGE) * 5:
        assert door.host.call("GET", link, **headers).status == 200

    after = door.host.recorded(f"{run}-gate-1").events
    assert [each for each in after if each["EventType"] == EVENT_RAISED] == []
    assert len(before) <= len(after)
    assert door.status(run)["state"] == "open"


def test_a_link_is_good_for_one_answer_and_then_tells_what_was_decided(door: Door) -> None:
    run = door.ask("reuse")
    link = door.link(run)
    assert door.answer(link, "reject", "no").status == 200
    decided = door.decision(run)

    for answer in (
        door.answer(link, "approve"),
        door.answer(door.link(run, BOB), "approve"),
        door.host.call("GET", link),
    ):
        assert answer.status == 409
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["title"] == "Already decided"
        assert "rejected, by alice@example.com" in answer.json["detail"]
        assert answer.json["decision"]["at"] == door.status(run)["at"].replace("Z", "+00:00")
    assert door.decision(run) == decided


def test_an_approver_s_second_answer_is_told_of_the_first(door: Door) -> None:
    run = door.ask("second", quorum=2)
    link = door.link(run)
    first = door.answer(link, "approve")

    second = door.answer(link, "reject")

    assert (first.status, first.json["state"]) == (200, "open")
    assert (second.status, second.json["title"]) == (409, "Already answered")
    assert door.host.call("GET", link).json["title"] == "Already answered"
    assert (second.json["answer"]["by"], second.json["answer"]["choice"]) == (ALICE, "approve")
    assert door.answer(door.link(run, BOB), "approve").json["state"] == "approved"
    assert door.decision(run).by == (ALICE, BOB)


def test_of_two_contradictory_answers_at_once_one_counts_and_the_other_is_told(door: Door) -> None:
    for number in range(5):
        run = door.ask(f"race-{number}")
        link = door.link(run)

        answers = at_once(partial(door.answer, link, "approve"), partial(door.answer, link, "reject"))

        assert sorted(answer.status for answer in answers) == [200, 409], [answer.content for answer in answers]
        [won] = [answer for answer in answers if answer.status == 200]
        assert door.decision(run).state == won.json["state"]


def test_two_approvers_who_answer_at_once_both_count(door: Door) -> None:
    for number in range(5):
        run = door.ask(f"together-{number}", quorum=2)
        links = [door.link(run, approver) for approver in (ALICE, BOB)]

        answers = at_once(*(partial(door.answer, link, "approve") for link in links))

        assert [answer.status for answer in answers] == [200, 200], [answer.content for answer in answers]
        assert sorted(door.decision(run).by) == [ALICE, BOB]


def test_the_gate_of_another_tenant_is_none(door: Door) -> None:
    run = door.ask("theirs", tenant="another")
    link = door.link(run)

    answers = (
        door.host.call("GET", link),
        door.answer(link, "approve"),
        door.host.call("GET", f"/api/goals/{run}/gates"),
    )

    assert [(answer.status, answer.json["title"]) for answer in answers] == [(404, "Not found")] * 3
    assert door.status(run)["votes"] == []


def test_links_that_were_not_made_for_this_are_refused(door: Door) -> None:
    run = door.ask("foreign")
    good = door.link(run)
    other_tenant = run_id("another", "foreign")
    cases = {
        "altered": (good[:-1] + ("A" if good[-1] != "A" else "B"), 403),
        "cut off": (good[:-20], 403),
        "another secret": (door.link(run, secret=SECRET[::-1]), 403),
        "no link": ("/api/approvals/none", 403),
        "another tenant": (door.link(run, gate=f"{other_tenant}-gate-1"), 404),
        "another run": (door.link(run, gate=f"{run_id('default', 'nobody')}-gate-1"), 404),
        "the run itself": (door.link(run, gate=run), 404),
        "a gate that is not open": (door.link(run, gate=f"{run}-gate-2"), 404),
        "other content": (door.link(run, asked="0" * 64), 403),
        "an earlier panel": (door.link(run, panel=-1), 410),
        "who is not asked": (door.link(run, "eve@example.com"), 403),
        "expired": (door.link(run, expires="2020-01-01T00:00:00Z"), 410),
    }

    for name, (link, status) in cases.items():
        for answer in (door.host.call("GET", link), door.answer(link, "approve")):
            assert answer.status == status, (name, answer.content)
            assert answer.json["title"] in ("Link refused", "Link expired", "Not found"), name
            assert door.host.call("GET", link, **PAGE).status == status
    assert door.status(run)["state"] == "open"
    assert door.answer(good, "approve").status == 200


@pytest.mark.parametrize(
    ("body", "says"),
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
def test_an_answer_that_is_none_is_refused_with_its_field(door: Door, body: Any, says: str) -> None:
    run = door.ask(f"body {body!r}")

    answer = door.host.call("POST", door.link(run), body)

    assert answer.status == 400
    assert says in answer.json["detail"]
    assert door.status(run)["state"] == "open"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"decision=approve&decision=reject", "given twice"),
        (b"decision=maybe", "decision: "),
        (b"decision=revise&comment=", "comment: is needed"),
        (b"decision=%ff", "not a form"),
        (b"", "decision: is missing"),
    ],
)
def test_a_form_that_is_none_is_refused_as_a_page(door: Door, body: bytes, says: str) -> None:
    run = door.ask(f"body {body!r}")

    answer = door.host.call("POST", door.link(run), body, **FORM)

    assert answer.status == 400
    assert says in answer.content.decode().replace("&#x27;", "'")
    assert door.status(run)["state"] == "open"


def test_events_raised_past_the_door_open_nothing(door: Door) -> None:
    """Who starts a run is given Durable's URLs, which raise any event: a seal is what they lack."""
    run = door.ask("forged", ALICE)
    gate = f"{run}-gate-1"
    status = door.status(run)
    forged = {
        "gate": gate,
        "panel": 0,
        "asked": hash_of(Content(text="Publish it?")),
        "approver": ALICE,
        "choice": "approve",
        "comment": "",
        "id": "1",
        "at": "2026-01-01T00:00:00Z",
        "signature": "AAAA",
    }
    for number, value in enumerate((forged, json.dumps(forged), {**forged, "asked": "0"}, True, None)):
        assert door.host.raise_event(gate, f"vote-0-0-{number}", value) == 202
        door.until(partial(_waits, door, run, number + 1))

    assert (door.status(run)["state"], door.status(run)["votes"]) == (status["state"], [])
    assert door.answer(door.link(run), "approve").json["state"] == "approved"
    reasons = [each.detail for each in door.decision(run).audit if each.event == "ignored"]
    assert reasons == ["forged", "forged", "for_other_content", "malformed", "malformed"]


def _waits(door: Door, run: str, number: int) -> bool:
    return bool(door.status(run)["waits"] == [number])


def test_an_answer_after_the_time_is_told_what_became_of_it(door: Door) -> None:
    run = door.ask("late", timeout_seconds=10 * DAY)
    link = door.link(run)
    door.host.advance(timedelta(days=10, seconds=1))
    decision = door.decision(run)

    answer = door.answer(link, "approve")

    assert (decision.state, decision.how) == ("rejected", "expired")
    assert (answer.status, answer.json["decision"]["state"]) == (409, "rejected")
    assert "by nobody" in answer.json["detail"]


def test_thirty_days_with_a_reminder_and_an_escalation(door: Door) -> None:
    panels = [{"approvers": [ALICE]}, {"approvers": [BOB]}]
    run = door.ask("month", panels=panels, timeout_seconds=30 * DAY, on_expiry="escalate")
    first = door.link(run)
    for day in range(30):
        kinds = [each["Subject"].split(":")[0] for each in door.mails_of(run, 1 if day < 15 else 2)]
        assert kinds == ["Please decide"] + ["Reminder"] * (day >= 15)
        door.host.advance(timedelta(days=1))
    door.until(lambda: door.status(run)["panel"] == 1)

    moved_on = door.answer(first, "approve")
    mail = door.mails_of(run, 3)[2]
    told = door.answer(link_in(mail.get_content()), "approve")

    kept = door.host.recorded(f"{run}-gate-1")
    assert differences(door.host.orchestrators["approval_gate"], kept) == [], "what was recorded is replayed"
    assert (moved_on.status, moved_on.json["title"]) == (410, "Link expired")
    assert (mail["To"], told.json["state"]) == (BOB, "approved")
    assert [each.event for each in door.decision(run).audit if each.event != "not_notified"] == [
        "opened", "notified", "notified", "reminded", "reminded", "expired", "opened", "notified", "notified", "voted",
        "decided",
    ]  # fmt: skip


def test_a_run_that_was_stopped_has_nothing_left_to_decide(door: Door) -> None:
    run = door.ask("stopped")
    link = door.link(run)
    door.host.control(run, "terminate")
    door.host.wait(run)

    answer = door.answer(link, "approve")

    assert (answer.status, answer.json["title"]) == (409, "Closed")


def test_an_answer_that_takes_long_to_count_is_not_lost(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmuration.approval.web.routes.EFFECT_SECONDS", 0.0)
    run = door.ask("slow")
    link = door.link(run)

    told = door.answer(link, "approve")

    assert (told.status, "Open the link again" in told.json["detail"]) == (202, True)
    assert door.decision(run).by == (ALICE,)
    assert door.host.call("GET", link).json["decision"]["state"] == "approved"


def test_a_gate_that_was_stopped_rejects(door: Door) -> None:
    run = door.ask("gate stopped")
    link = door.link(run)
    door.host.control(f"{run}-gate-1", "terminate")

    decision = door.decision(run)

    assert (decision.state, decision.how) == ("rejected", "gate_broke")
    assert door.answer(link, "approve").json["detail"] == "the gate was closed without a decision, which rejects"


def test_what_is_large_is_shown_from_its_artifact(door: Door) -> None:
    text = "A long plan. " * 2_000
    reference = Reference(artifact=f"{tenant_key('default')}/{hash_of(Content(text=text))}", bytes=len(text))
    run = door.ask("large", text=Content(reference=reference))
    link = door.link(run)
    missing = door.host.call("GET", link)
    page = door.host.call("GET", link, **PAGE)
    _store(reference, text)

    shown = door.host.call("GET", link)

    assert (missing.status, missing.json["title"]) == (503, "Not available")
    assert (page.status, b"<h1>Not available</h1>" in page.content) == (503, True)
    assert {each.headers["Cache-Control"] for each in (missing, page, shown)} == {"no-store"}
    assert (shown.status, shown.json["asked"]) == (200, text)


def test_what_is_kept_as_an_artifact_must_be_what_was_asked(door: Door) -> None:
    reference = Reference(artifact=f"{tenant_key('default')}/{'0' * 64}", bytes=3)
    run = door.ask("exchanged", text=Content(reference=reference))
    _store(reference, "Something else")

    assert door.host.call("GET", door.link(run)).status == 403


def _store(reference: Reference, text: str) -> None:
    path = Path(current_settings().artifacts_url.removeprefix("file://")) / reference.artifact
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_no_link_seal_or_secret_is_in_the_history_or_status_of_a_run(door: Door) -> None:
    run = door.ask("canary")
    mail = door.mails_of(run, 2)[0]
    signature = link_in(mail.get_content()).rpartition(".")[2]

    for instance in (run, f"{run}-gate-1"):
        kept = json.dumps([door.host.recorded(instance).events, door.host.status(instance)])
        assert signature not in kept
        assert SECRET not in kept
        assert "s3cret-part" not in kept


def test_an_operator_gets_the_links_of_an_approver_for_what_is_open(door: Door) -> None:
    run = door.ask("operator", quorum=2)
    path = f"/api/goals/{run}/gates"

    [plain] = door.host.call("GET", path).json["gates"]
    [row] = door.host.call("GET", f"{path}?approver=Alice@example.com").json["gates"]
    [none] = door.host.call("GET", f"{path}?approver=eve@example.com").json["gates"]
    told = door.answer(link_in(row["link"]), "approve")
    [answered] = door.host.call("GET", f"{path}?approver={ALICE}").json["gates"]

    assert "link" not in plain
    assert (row["state"], row["approvers"], row["quorum"]) == ("open", [ALICE, BOB], 2)
    assert told.status == 200
    assert none["link"] is None
    assert (answered["link"], [each["by"] for each in answered["votes"]]) == (None, [ALICE])
    assert door.host.call("GET", f"/api/goals/{run_id('another', 'x')}/gates").status == 404


def test_without_a_secret_the_door_says_which_setting_is_missing(door: Door) -> None:
    run = door.ask("no secret")
    link = door.link(run)
    with settings(APPROVAL_SECRET=None):
        answer = door.answer(link, "approve")

    assert answer.status == 503
    assert "APPROVAL_SECRET is missing" in answer.json["detail"]
