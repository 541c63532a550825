"""Mail over SMTP: one connection for all messages of a step."""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage

from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.setting_values import Smtp

TIMEOUT_SECONDS = 15.0


async def send_mails(smtp: Smtp, messages: Sequence[EmailMessage]) -> tuple[str, ...]:
    """Hand the messages over to the mail server; returns the recipients that it refuses for good.

    Raises `RetryLater` when the server can't be reached or takes no mail now, after some may have been sent; `GiveUp`
    when it will never take any: the login, the sender or the encryption is wrong.
    """
    return await asyncio.to_thread(_send, smtp, messages)


def _send(smtp: Smtp, messages: Sequence[EmailMessage]) -> tuple[str, ...]:
    try:
        server = _connect(smtp)
        try:
            return tuple(str(message["To"]) for message in messages if not _accepted(server, message))
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
        raise GiveUp("mail_refused", f"the mail server can't be used: {type(error).__name__}") from error
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise GiveUp("mail_refused", f"the mail server refuses with {error.smtp_code}") from error
        raise RetryLater("mail_unavailable", f"the mail server answers {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise RetryLater("mail_unavailable", f"the mail server can't be reached: {type(error).__name__}") from error


def _connect(smtp: Smtp) -> smtplib.SMTP:
    if smtp.security == "tls":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_SECONDS)
    try:
        if smtp.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if smtp.user is not None:
            server.login(smtp.user, smtp.password.get_secret_value() if smtp.password else "")
    except BaseException:
        server.close()
        raise
    return server


def _accepted(server: smtplib.SMTP, message: EmailMessage) -> bool:
    """Whether the server takes the message; raises errors that concern more than its recipient, or may pass."""
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        code = next(iter(refused.recipients.values()))[0]
        if code >= 500:
            return False
        raise smtplib.SMTPResponseException(code, "the recipient can't be served now") from refused
    return True
