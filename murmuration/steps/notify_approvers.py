"""Tells approvers, over one channel, that something waits for them; each gets a signed link of their own."""

from murmuration.contracts.approvals import Notification, Notified
from murmuration.policy.links import Claims, sign
from murmuration.services.errors import GiveUp
from murmuration.services.notify.mail import send_mails
from murmuration.services.notify.notifications import Notice, mail, webhook_payload
from murmuration.services.notify.webhooks import post_all
from murmuration.services.settings import Settings


async def notify_approvers(notification: Notification, settings: Settings) -> Notified:
    """Safe to run twice: approvers may get a message again, with the same id and the same link, good for one answer."""
    approvals = settings.approvals
    smtp, webhook = approvals.smtp, approvals.webhook
    if notification.channel == "mail" and smtp is not None:
        messages = [mail(notice, smtp.sender) for notice in _notices(notification, settings)]
        refused = await send_mails(smtp, messages)
        return Notified(
            sent=tuple(approver for approver in notification.approvers if approver not in refused), refused=refused
        )
    if notification.channel == "webhook" and webhook is not None:
        await post_all(
            webhook, [webhook_payload(notice, webhook.format) for notice in _notices(notification, settings)]
        )
        return Notified(sent=notification.approvers)
    return Notified(configured=False)


def _notices(notification: Notification, settings: Settings) -> list[Notice]:
    approvals = settings.approvals
    if approvals.secret is None or approvals.public_url is None:
        missing = "APPROVAL_SECRET" if approvals.secret is None else "PUBLIC_URL"
        raise GiveUp("approvals_not_configured", f"setting {missing} is missing")
    notices = []
    for approver in notification.approvers:
        claims = Claims(
            gate=notification.gate,
            panel=notification.panel,
            asked=notification.asked,
            approver=approver,
            expires=notification.expires,
        )
        link = f"{approvals.public_url}/api/approvals/{sign(approvals.secret, claims)}"
        notices.append(Notice(notification, approver, link))
    return notices
