"""Mail over a real SMTP server: encryption and login are used as the settings say, or nothing is sent."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from loopback.serving import HOST, free_port
from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.notify.mail import send_mails
from murmuration.services.setting_values import Smtp, SmtpSecurity

pytestmark = pytest.mark.anyio
USER, PASSWORD = "app", "canary-password"


class Mailbox:
    def __init__(self) -> None:
        self.received: list[tuple[list[str], bool, bool]] = []
        """(recipients, encrypted, logged in), one for each message."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.received.append((envelope.rcpt_tos, encrypted, session.authenticated is True))
        return "250 OK"


def message(to: str = "alice@example.com") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "app@example.com", to, "Please decide"
    mail.set_content("See the link.")
    return mail


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for loopback, with its key, that nobody trusts yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def server(offered: SmtpSecurity, certificate: Path, **changed: Any) -> Iterator[tuple[Smtp, Mailbox]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def log_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    options: dict[str, Any] = {}
    if offered != "none":
        options["tls_context" if offered == "starttls" else "ssl_context"] = context
        starts = offered == "starttls"  # the server knows no other encryption, and warns of logins without it
        options |= {"authenticator": log_in, "auth_required": starts, "auth_require_tls": starts}
    mailbox, port = Mailbox(), free_port()
    running = Controller(mailbox, hostname=HOST, port=port, **options)
    running.start()
    try:
        login = (USER, SecretStr(PASSWORD)) if offered != "none" else (None, None)
        smtp = Smtp(HOST, port, offered, "app@example.com", *login)
        yield Smtp(**{**vars(smtp), **changed}), mailbox
    finally:
        running.stop()


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_mail_is_sent_as_the_settings_say(
    security: SmtpSecurity, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(security, certificate) as (smtp, mailbox):
        refused = await send_mails(smtp, [message(), message("bob@example.com")])

    safe = security != "none"
    assert refused == ()
    assert mailbox.received == [(["alice@example.com"], safe, safe), (["bob@example.com"], safe, safe)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_is_not_trusted_gets_nothing(security: SmtpSecurity, certificate: Path) -> None:
    with server(security, certificate) as (smtp, mailbox), pytest.raises(GiveUp, match="SSLCertVerificationError"):
        await send_mails(smtp, [message()])

    assert mailbox.received == []


async def test_a_server_without_encryption_gets_nothing_when_the_settings_ask_for_it(certificate: Path) -> None:
    with (
        server("none", certificate, security="starttls", user=USER, password=SecretStr(PASSWORD)) as (smtp, mailbox),
        pytest.raises(GiveUp, match="SMTPNotSupportedError"),
    ):
        await send_mails(smtp, [message()])

    assert mailbox.received == []


async def test_a_wrong_password_is_not_tried_again_and_not_quoted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        server("starttls", certificate, password=SecretStr("canary-wrong")) as (smtp, _),
        pytest.raises(GiveUp) as refused,
    ):
        await send_mails(smtp, [message()])

    assert "canary" not in str(refused.value)


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(RetryLater, match="ConnectionRefusedError"):
        await send_mails(Smtp(HOST, free_port(), "none", "app@example.com", None, None), [message()])
