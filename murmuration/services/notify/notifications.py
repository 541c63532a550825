"""Messages to approvers: a mail, a Teams card, a Slack message. The text to be approved stays behind the link."""

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal

from murmuration.contracts.approvals import Notification

UNSAFE_IN_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Notice:
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
            "Asked by": self.notification.requester,
            "Run": self.notification.run,
            "Open until": f"{self.notification.expires:%Y-%m-%d %H:%M} UTC",
        }


def mail(notice: Notice, sender: str) -> EmailMessage:
    """The same notice is the same message: its id is made of what it says, so that mailboxes know it again."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = notice.approver
    message["Subject"] = notice.subject
    told = "\0".join((notice.approver, notice.notification.model_dump_json()))
    domain = sender.rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{hashlib.sha256(told.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{name}: {value}" for name, value in notice.facts.items())
    message.set_content(
        f"{notice.subject}\n\n{facts}\n\nSee what is asked, and decide:\n{notice.link}\n\n"
        "The link is yours alone and good for one answer. Opening it decides nothing.\n"
    )
    return message


def webhook_payload(notice: Notice, form: Literal["teams", "slack"]) -> dict[str, Any]:
    """The body of a webhook's request; `approver` says whose link it holds, for a flow that hands it on."""
    return _teams(notice) if form == "teams" else _slack(notice)


def _teams(notice: Notice) -> dict[str, Any]:
    facts = [{"title": name, "value": value} for name, value in notice.facts.items()]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": notice.subject, "weight": "Bolder", "wrap": True},
            {"type": "FactSet", "facts": facts},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "See and decide", "url": notice.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "approver": notice.approver, "attachments": [attachment]}


def _slack(notice: Notice) -> dict[str, Any]:
    subject = notice.subject.translate(UNSAFE_IN_MARKUP)
    facts = "\n".join(f"{name}: {value}" for name, value in notice.facts.items()).translate(UNSAFE_IN_MARKUP)
    return {
        "text": subject,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*{subject}*\n{facts}"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"<{notice.link}|See and decide>"}},
        ],
    }
