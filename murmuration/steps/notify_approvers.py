"""Tells approvers, over one channel, that a decision waits for them; each gets a signed link of their own."""

from murmuration.contracts.approvals import Notification, Notified
from murmuration.policy.links import Claims, sign_link
from murmuration.services.errors import GiveUp
from murmuration.services.notify.mail import send_mails
from murmuration.services.notify.notifications import Message, mail, webhook_payload
from murmuration.services.notify.webhooks import post_all
from murmuration.services.settings import Settings


async def notify_approvers(notification: Notification, settings: Settings) -> Notified:
    """Safe to run twice: approvers may get a message again, with the same id and the same link, good for one answer."""
    smtp, webhook = settings.smtp, settings.webhook
    if notification.channel == "mail" and smtp is not None:
        refused = await send_mails(smtp, [mail(message, smtp.sender) for message in _messages(notification, settings)])
        sent = tuple(approver for approver in notification.approvers if approver not in refused)
        return Notified(sent=sent, refused=refused)
    if notification.channel == "webhook" and webhook is not None:
        payloads = [webhook_payload(message, webhook.format) for message in _messages(notification, settings)]
        await post_all(webhook, payloads)
        return Notified(sent=notification.approvers)
    return Notified(configured=False)


def _messages(notification: Notification, settings: Settings) -> list[Message]:
    if settings.approval_secret is None or settings.app_url is None:
        missing = "APPROVAL_SECRET" if settings.approval_secret is None else "PUBLIC_URL"
        raise GiveUp("approvals_not_configured", f"setting {missing} is missing")
    secret = settings.approval_secret.get_secret_value()
    messages = []
    for approver in notification.approvers:
        claims = Claims(
            gate=notification.gate,
            panel=notification.panel,
            content_hash=notification.content_hash,
            approver=approver,
            expires=notification.expires,
        )
        link = f"{settings.app_url}/api/approvals/{sign_link(secret, claims)}"
        messages.append(Message(notification, approver, link))
    return messages
