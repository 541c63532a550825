"""Messages to approvers: a mail, a Teams card, a Slack message. The text to be approved stays behind the link."""

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal

from murmuration.contracts.approvals import Notification

SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Message:
    """One message to one approver."""

    notification: Notification
    approver: str
    link: str

    @property
    def subject(self) -> str:
        prefix = "Reminder: please decide" if self.notification.kind == "reminder" else "Please decide"
        return f"{prefix}: {' '.join(self.notification.title.split())}"

    @property
    def facts(self) -> dict[str, str]:
        return {
            "For": self.approver,
            "Requested by": self.notification.requester,
            "Run": self.notification.run,
            "Open until": f"{self.notification.expires:%Y-%m-%d %H:%M} UTC",
        }


def mail(message: Message, sender: str) -> EmailMessage:
    """Make a mail. Its Message-ID is a hash of the message, so that a mailbox recognises a second copy."""
    email = EmailMessage()
    email["From"] = sender
    email["To"] = message.approver
    email["Subject"] = message.subject
    identity = "\0".join((message.approver, message.notification.model_dump_json()))
    domain = sender.rpartition("@")[2].rstrip(">")
    email["Message-ID"] = f"<{hashlib.sha256(identity.encode()).hexdigest()[:32]}@{domain}>"
    email["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts.items())
    email.set_content(
        f"{message.subject}\n\n{facts}\n\nRead it and decide:\n{message.link}\n\n"
        "This link is for you alone and takes one answer. Opening it decides nothing.\n"
    )
    return email


def webhook_payload(message: Message, form: Literal["teams", "slack"]) -> dict[str, Any]:
    """Make the body of a webhook's request; `approver` names the owner of the link, for a flow that forwards it."""
    return _teams(message) if form == "teams" else _slack(message)


def _teams(message: Message) -> dict[str, Any]:
    facts = [{"title": name, "value": value} for name, value in message.facts.items()]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": message.subject, "weight": "Bolder", "wrap": True},
            {"type": "FactSet", "facts": facts},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Read and decide", "url": message.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "approver": message.approver, "attachments": [attachment]}


def _slack(message: Message) -> dict[str, Any]:
    subject = message.subject.translate(SLACK_ESCAPES)
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts.items()).translate(SLACK_ESCAPES)
    return {
        "text": subject,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*{subject}*\n{facts}"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"<{message.link}|Read and decide>"}},
        ],
    }
