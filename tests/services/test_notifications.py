"""Messages to approvers: whatever a title or an address holds, each goes to one approver with its own headers."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from murmuration.contracts.approvals import Address, Notification
from murmuration.services.notify.notifications import Message, mail, webhook_payload

ADDRESS: TypeAdapter[str] = TypeAdapter(Address)
PATTERN = (
    r"[a-z0-9!#$%&'*+/=?^_{|}~-]{1,9}(\.[a-z0-9'+_-]{1,9}){0,2}@[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z0-9]{1,5}){0,2}"
)
LINK = "https://app.example/api/approvals/" + "a" * 400 + "." + "b" * 43


def message(approver: str = "alice@example.com", **changed: Any) -> Message:
    notification = {
        "gate": "run-1-gate-1",
        "run": "run-1",
        "title": "The plan",
        "requester": "carol@example.com",
        "content_hash": "0" * 64,
        "panel": 0,
        "approvers": (approver,),
        "kind": "request",
        "expires": datetime(2026, 1, 1, tzinfo=UTC),
        "channel": "mail",
        **changed,
    }
    return Message(Notification.model_validate(notification), approver, LINK)


def received(sent: EmailMessage) -> EmailMessage:
    """Return the mail as a mail program reads it."""
    mail_read = message_from_bytes(sent.as_bytes(), policy=default)
    assert isinstance(mail_read, EmailMessage)
    return mail_read


@given(st.text(max_size=200), st.text(max_size=60).filter(lambda text: text.isprintable()))
def test_no_title_adds_a_header_or_loses_the_link(title: str, requester: str) -> None:
    title, requester = (text.encode(errors="replace").decode() for text in (title, requester))

    mail_read = received(mail(message(title=title, requester=requester), "app@example.com"))

    assert set(mail_read.keys()) == {
        "From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip
    assert mail_read["To"] == "alice@example.com"
    assert LINK in mail_read.get_content()


@given(st.from_regex(PATTERN, fullmatch=True).filter(lambda address: len(address) <= 128))
def test_every_accepted_address_is_one_recipient(address: str) -> None:
    assert ADDRESS.validate_python(address) == address

    [recipient] = mail(message(address), "app@example.com")["To"].addresses

    assert recipient.addr_spec == address


def test_a_reminder_is_another_message_than_the_first() -> None:
    first, copy, reminder = (mail(message(kind=kind), "app@example.com") for kind in ("request", "request", "reminder"))

    assert first["Message-ID"] == copy["Message-ID"] != reminder["Message-ID"]
    assert reminder["Subject"] == "Reminder: please decide: The plan"


def test_a_webhook_payload_names_the_owner_of_its_link() -> None:
    assert webhook_payload(message("bob@example.com"), "teams")["approver"] == "bob@example.com"
    assert "For: bob@example.com" in webhook_payload(message("bob@example.com"), "slack")["blocks"][0]["text"]["text"]
