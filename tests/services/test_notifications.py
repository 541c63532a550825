"""Notices: whatever a title or an address holds, a message goes to one approver and its headers are its own."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from murmuration.contracts.approvals import Address, Notification
from murmuration.services.notify.notifications import Notice, mail, webhook_payload

ADDRESS: TypeAdapter[str] = TypeAdapter(Address)
PATTERN = (
    r"[a-z0-9!#$%&'*+/=?^_{|}~-]{1,9}(\.[a-z0-9'+_-]{1,9}){0,2}@[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z0-9]{1,5}){0,2}"
)
LINK = "https://app.example/api/approvals/" + "a" * 400 + "." + "b" * 43


def notice(approver: str = "alice@example.com", **changed: Any) -> Notice:
    given = {
        "gate": "run-1-gate-1",
        "run": "run-1",
        "title": "The plan",
        "requester": "carol@example.com",
        "asked": "0" * 64,
        "panel": 0,
        "approvers": (approver,),
        "kind": "asked",
        "expires": datetime(2026, 1, 1, tzinfo=UTC),
        "channel": "mail",
        **changed,
    }
    return Notice(Notification.model_validate(given), approver, LINK)


def received(made: EmailMessage) -> EmailMessage:
    """The message as a mail program reads it."""
    read = message_from_bytes(made.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


@given(st.text(max_size=200), st.text(max_size=60).filter(lambda text: text.isprintable()))
def test_no_title_adds_a_header_or_loses_the_link(title: str, requester: str) -> None:
    title, requester = (text.encode(errors="replace").decode() for text in (title, requester))

    message = received(mail(notice(title=title, requester=requester), "app@example.com"))

    assert set(message.keys()) == {
        "From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip
    assert message["To"] == "alice@example.com"
    assert LINK in message.get_content()


@given(st.from_regex(PATTERN, fullmatch=True).filter(lambda address: len(address) <= 128))
def test_every_address_that_is_taken_is_one_recipient(address: str) -> None:
    assert ADDRESS.validate_python(address) == address

    [recipient] = mail(notice(address), "app@example.com")["To"].addresses

    assert recipient.addr_spec == address


def test_a_reminder_is_another_message_than_what_it_reminds_of() -> None:
    asked, again, reminder = (mail(notice(kind=kind), "app@example.com") for kind in ("asked", "asked", "reminder"))

    assert asked["Message-ID"] == again["Message-ID"] != reminder["Message-ID"]
    assert reminder["Subject"] == "Reminder: please decide: The plan"


def test_cards_say_whose_link_they_hold() -> None:
    assert webhook_payload(notice("bob@example.com"), "teams")["approver"] == "bob@example.com"
    assert "For: bob@example.com" in webhook_payload(notice("bob@example.com"), "slack")["blocks"][0]["text"]["text"]
