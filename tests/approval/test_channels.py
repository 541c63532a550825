"""Approvers are reached by mail and by webhook; what fails is tried again, noted, and does not lose the gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from loopback.serving import free_port
from murmuration.contracts.approvals import Decision
from murmuration.policy.tenancy import run_id
from tests.approval.door import ALICE, BOB, Door, link_in, open_door

NOWHERE = "carol@nowhere.example"


def notes(decision: Decision, *kinds: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(each.event, each.who, each.detail) for each in decision.audit if each.event in kinds]


def approved(door: Door, run: str, link: str, *, notified: bool = True) -> Decision:
    if notified:
        door.until_notified(run)
    assert door.answer(link, "approve").json["state"] == "approved"
    return door.decision(run)


def test_a_teams_card_has_the_approver_s_own_link(tmp_path: Path) -> None:
    with open_door(tmp_path, SMTP_HOST=None) as door:
        run = door.ask("teams", ALICE, BOB, title="A <b>plan</b>")
        door.until(lambda: len(door.wall.cards) == 2)
        card = next(each for each in door.wall.cards if each["approver"] == BOB)
        [attachment] = card["attachments"]
        [action] = attachment["content"]["actions"]

        decision = approved(door, run, link_in(action["url"]))

    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (attachment["content"]["type"], action["type"]) == ("AdaptiveCard", "Action.OpenUrl")
    assert attachment["content"]["body"][0]["text"] == "Please decide: A <b>plan</b>"
    assert decision.by == (BOB,)
    assert notes(decision, "notified", "not_notified") == [
        ("not_notified", (ALICE, BOB), "mail: not_configured"),
        ("notified", (ALICE, BOB), "webhook"),
    ]


def test_a_slack_message_escapes_what_is_markup_there(tmp_path: Path) -> None:
    with open_door(tmp_path, SMTP_HOST=None, APPROVAL_WEBHOOK_FORMAT="slack") as door:
        run = door.ask("slack", ALICE, title="<!channel> A & B")
        door.until(lambda: door.wall.cards)
        [message] = door.wall.cards

        decision = approved(door, run, link_in(message["blocks"][1]["text"]["text"]))

    assert message["text"] == "Please decide: &lt;!channel&gt; A &amp; B"
    assert "<!channel>" not in json.dumps(message)
    assert decision.by == (ALICE,)


def test_a_webhook_that_is_busy_is_asked_again_when_it_says(tmp_path: Path) -> None:
    with open_door(tmp_path, SMTP_HOST=None) as door:
        door.wall.answers = [(429, "1"), (503, "")]
        run = door.ask("busy", ALICE)
        door.until(lambda: door.wall.cards)

        decision = approved(door, run, door.link(run))

    assert notes(decision, "notified") == [("notified", (ALICE,), "webhook")]


def test_a_webhook_that_refuses_is_noted_without_its_address(tmp_path: Path) -> None:
    with open_door(tmp_path, SMTP_HOST=None) as door:
        door.wall.answers = [(404, "")]
        run = door.ask("gone", ALICE)
        door.until(lambda: not door.wall.answers)
        told = door.host.recorded(f"{run}-gate-1")

        decision = approved(door, run, door.link(run), notified=False)

    assert "s3cret-part" not in json.dumps([told.events, decision.model_dump(mode="json")])


def test_a_busy_mail_server_is_asked_again_and_a_wrong_address_is_noted(tmp_path: Path) -> None:
    with open_door(tmp_path, APPROVAL_WEBHOOK_URL=None) as door:
        door.mailbox.busy_for = {ALICE}
        run = door.ask("mail", ALICE, NOWHERE)
        [mail] = door.mails_of(run, 1)

        decision = approved(door, run, link_in(mail.get_content()))

    assert (mail["To"], mail["Auto-Submitted"]) == (ALICE, "auto-generated")
    assert mail["Message-ID"].endswith("@example.com>")
    assert notes(decision, "notified", "not_notified")[1:] == [
        ("notified", (ALICE,), "mail"),
        ("not_notified", (NOWHERE,), "mail: refused"),
    ]


def test_a_mail_that_is_sent_twice_is_the_same_mail(tmp_path: Path) -> None:
    """Bob's was put off, so that the step is done again, and Alice is told twice."""
    with open_door(tmp_path, APPROVAL_WEBHOOK_URL=None) as door:
        door.mailbox.busy_for = {BOB}
        run = door.ask("twice", ALICE, BOB)
        mails = [each for each in door.mails_of(run, 3) if each["To"] == ALICE]

    assert len(mails) == 2
    assert len({(mail["Message-ID"], mail.get_content()) for mail in mails}) == 1


def test_a_mail_server_that_is_gone_does_not_lose_the_gate(tmp_path: Path) -> None:
    with open_door(tmp_path, APPROVAL_WEBHOOK_URL=None, SMTP_PORT=str(free_port())) as door:
        run = door.ask("no server", ALICE)
        [row] = door.host.call("GET", f"/api/goals/{run}/gates?approver={ALICE}").json["gates"]

        decision = approved(door, run, link_in(row["link"]), notified=False)

    assert decision.by == (ALICE,)


def test_a_mail_server_without_encryption_is_not_used_when_it_is_asked_for(tmp_path: Path) -> None:
    with open_door(tmp_path, APPROVAL_WEBHOOK_URL=None, SMTP_SECURITY="starttls") as door:
        run = door.ask("plain", ALICE)
        door.until(lambda: door.status(run)["state"] == "open")

        decision = approved(door, run, door.link(run), notified=False)
        assert door.mailbox.mails == []

    assert decision.by == (ALICE,)


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "APPROVAL_SECRET"])
def test_without_what_links_are_made_of_nobody_is_told(tmp_path: Path, missing: str) -> None:
    left_out: dict[str, Any] = {missing: None}
    with open_door(tmp_path, **left_out) as door:
        run = door.ask("unset", ALICE, timeout_seconds=1)
        decision = door.decision(run)

    assert notes(decision, "not_notified") == [
        ("not_notified", (ALICE,), f"{channel}: approvals_not_configured") for channel in ("mail", "webhook")
    ]
    assert (door.mailbox.mails, door.wall.cards) == ([], [])


def test_links_of_others_are_for_operators_alone(tmp_path: Path) -> None:
    with open_door(tmp_path, auth=True) as door:
        keys = json.loads((tmp_path / "host" / "keys.json").read_text(encoding="utf-8"))
        path = f"/api/goals/{run_id('default', 'x')}/gates"

        statuses = [
            door.host.call("GET", path).status,
            door.host.call("GET", path, x_functions_key=keys["host"]["default"]).status,
            door.host.call("GET", path, x_functions_key=keys["master"]).status,
            door.host.call("GET", "/api/approvals/none").status,
        ]

    assert statuses == [401, 401, 404, 403], "404: there is no such run; approvers need no key"
