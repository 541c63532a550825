"""Approvers are notified by mail and by webhook; a channel that fails is tried again, recorded, and stops no gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from loopback.serving import free_port
from murmuration.contracts.approvals import Decision
from tests.approval.gates_on_loopback import ALICE, BOB, ApprovalApp, approval_app, link_in

NOWHERE = "carol@nowhere.example"


def entries(decision: Decision, *kinds: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(entry.event, entry.who, entry.detail) for entry in decision.audit if entry.event in kinds]


def approved(app: ApprovalApp, run: str, link: str, *, notified: bool = True) -> Decision:
    if notified:
        app.until_notified(run)
    assert app.answer(link, "approve").json["state"] == "approved"
    return app.decision(run)


def test_a_teams_card_has_the_approver_s_own_link(tmp_path: Path) -> None:
    with approval_app(tmp_path, SMTP_HOST=None) as app:
        run = app.ask("teams", ALICE, BOB, title="A <b>plan</b>")
        app.until(lambda: len(app.webhook.payloads) == 2)
        payload = next(payload for payload in app.webhook.payloads if payload["approver"] == BOB)
        [attachment] = payload["attachments"]
        [action] = attachment["content"]["actions"]

        decision = approved(app, run, link_in(action["url"]))

    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (attachment["content"]["type"], action["type"]) == ("AdaptiveCard", "Action.OpenUrl")
    assert attachment["content"]["body"][0]["text"] == "Please decide: A <b>plan</b>"
    assert decision.by == (BOB,)
    assert entries(decision, "notified", "not_notified") == [
        ("not_notified", (ALICE, BOB), "mail: not_configured"),
        ("notified", (ALICE, BOB), "webhook"),
    ]


def test_a_slack_message_escapes_markup(tmp_path: Path) -> None:
    with approval_app(tmp_path, SMTP_HOST=None, APPROVAL_WEBHOOK_FORMAT="slack") as app:
        run = app.ask("slack", ALICE, title="<!channel> A & B")
        app.until(lambda: app.webhook.payloads)
        [message] = app.webhook.payloads

        decision = approved(app, run, link_in(message["blocks"][1]["text"]["text"]))

    assert message["text"] == "Please decide: &lt;!channel&gt; A &amp; B"
    assert "<!channel>" not in json.dumps(message)
    assert decision.by == (ALICE,)


def test_a_busy_webhook_is_tried_again_after_the_time_it_names(tmp_path: Path) -> None:
    with approval_app(tmp_path, SMTP_HOST=None) as app:
        app.webhook.answers = [(429, "1"), (503, "")]
        run = app.ask("busy", ALICE)
        app.until(lambda: app.webhook.payloads)

        decision = approved(app, run, app.link(run))

    assert entries(decision, "notified") == [("notified", (ALICE,), "webhook")]


def test_a_webhook_that_refuses_is_recorded_without_its_address(tmp_path: Path) -> None:
    with approval_app(tmp_path, SMTP_HOST=None) as app:
        app.webhook.answers = [(404, "")]
        run = app.ask("gone", ALICE)
        app.until(lambda: not app.webhook.answers)
        recorded = app.host.recorded(f"{run}-gate-1")

        decision = approved(app, run, app.link(run), notified=False)

    assert "s3cret-part" not in json.dumps([recorded.events, decision.model_dump(mode="json")])


def test_a_busy_mail_server_is_tried_again_and_a_wrong_address_is_recorded(tmp_path: Path) -> None:
    with approval_app(tmp_path, APPROVAL_WEBHOOK_URL=None) as app:
        app.mailbox.busy_for = {ALICE}
        run = app.ask("mail", ALICE, NOWHERE)
        [mail] = app.mails_of(run, 1)

        decision = approved(app, run, link_in(mail.get_content()))

    assert (mail["To"], mail["Auto-Submitted"]) == (ALICE, "auto-generated")
    assert mail["Message-ID"].endswith("@example.com>")
    assert entries(decision, "notified", "not_notified")[1:] == [
        ("notified", (ALICE,), "mail"),
        ("not_notified", (NOWHERE,), "mail: refused"),
    ]


def test_a_mail_that_is_sent_twice_is_the_same_mail(tmp_path: Path) -> None:
    """Bob's mail was put off, so the step runs again and Alice gets hers twice."""
    with approval_app(tmp_path, APPROVAL_WEBHOOK_URL=None) as app:
        app.mailbox.busy_for = {BOB}
        run = app.ask("twice", ALICE, BOB)
        mails = [mail for mail in app.mails_of(run, 3) if mail["To"] == ALICE]

    assert len(mails) == 2
    assert len({(mail["Message-ID"], mail.get_content()) for mail in mails}) == 1


def test_a_mail_server_that_is_down_stops_no_gate(tmp_path: Path) -> None:
    with approval_app(tmp_path, APPROVAL_WEBHOOK_URL=None, SMTP_PORT=str(free_port())) as app:
        run = app.ask("no-server", ALICE)
        [row] = app.host.call("GET", f"/api/runs/{run}/gates?approver={ALICE}").json["gates"]

        decision = approved(app, run, link_in(row["link"]), notified=False)

    assert decision.by == (ALICE,)


def test_a_mail_server_without_encryption_is_not_used_if_the_settings_ask_for_it(tmp_path: Path) -> None:
    with approval_app(tmp_path, APPROVAL_WEBHOOK_URL=None, SMTP_SECURITY="starttls") as app:
        run = app.ask("plain", ALICE)
        app.until(lambda: app.status(run)["state"] == "open")

        decision = approved(app, run, app.link(run), notified=False)
        assert app.mailbox.mails == []

    assert decision.by == (ALICE,)


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "APPROVAL_SECRET"])
def test_without_the_settings_for_links_nobody_is_notified(tmp_path: Path, missing: str) -> None:
    unset: dict[str, Any] = {missing: None}
    with approval_app(tmp_path, **unset) as app:
        run = app.ask("unset", ALICE, timeout_seconds=1)
        decision = app.decision(run)

    assert entries(decision, "not_notified") == [
        ("not_notified", (ALICE,), f"{channel}: approvals_not_configured") for channel in ("mail", "webhook")
    ]
    assert (app.mailbox.mails, app.webhook.payloads) == ([], [])


def test_only_operators_get_other_people_s_links(tmp_path: Path) -> None:
    with approval_app(tmp_path, auth=True) as app:
        keys = json.loads((tmp_path / "host" / "keys.json").read_text(encoding="utf-8"))
        path = "/api/runs/nobody-1/gates"

        statuses = [
            app.host.call("GET", path).status,
            app.host.call("GET", path, x_functions_key=keys["host"]["default"]).status,
            app.host.call("GET", path, x_functions_key=keys["master"]).status,
            app.host.call("GET", "/api/approvals/none").status,
        ]

    assert statuses == [401, 401, 404, 403], "404: there is no such run. Approvers need no key"
