"""An app with approvals on the local host, with a real mail server and a real webhook on loopback.

One app at a time: the SDK has one HTTP session for the whole process.
"""

import itertools
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from loopback.functions.protocol import TASK_COMPLETED
from loopback.functions.testing import Answer, DurableHost, run_host
from loopback.serving import HOST, free_port, in_thread
from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, ApprovalRules, Decision
from murmuration.contracts.content import Content
from murmuration.policy.gates import hash_of
from murmuration.policy.links import Claims, sign_link
from murmuration.services.current import current_clients, current_settings

APP = Path(__file__).parent / "app"
SECRET = "a secret of these tests, 32 characters"  # noqa: S105
EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
ALICE, BOB, CAROL = (f"{name}@example.com" for name in ("alice", "bob", "carol"))
_RUN_NUMBERS = itertools.count(1)


class Mailbox:
    """The mails that a server has accepted; it refuses addresses at `nowhere.example` for good."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.busy_for: set[str] = set()
        """Recipients whose next message is put off with 451."""

    async def handle_RCPT(  # noqa: N802 - the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.endswith("@nowhere.example"):
            return "550 no such address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if put_off := self.busy_for.intersection(envelope.rcpt_tos):
            self.busy_for -= put_off
            return "451 try again"
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


@dataclass
class WebhookServer:
    """The payloads posted to a webhook. It first gives its `answers`, as (status, Retry-After)."""

    payloads: list[Any] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    async def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hook/{name}", self._receive)
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        if self.answers:
            status, after = self.answers.pop(0)
            return web.Response(status=status, headers={"Retry-After": after} if after else {})
        self.payloads.append(await request.json())
        return web.Response(status=202)


@dataclass
class ApprovalApp:
    """Starts runs that ask for approval, and answers as approvers do."""

    host: DurableHost
    mailbox: Mailbox
    webhook: WebhookServer

    def ask(self, name: str, *approvers: str, text: str | Content = "Publish it?", **changes: Any) -> str:
        """Start a run and wait for its gate; returns its id, `<name>-<number>`.

        `changes` are `tenant`, `requester`, `title`, `may_revise`, `quorum` and fields of the rules.
        """
        caller = {"caller": {"tenant": changes.pop("tenant")}} if "tenant" in changes else {}
        content = text if isinstance(text, Content) else Content(text=text)
        title, requester = changes.pop("title", "Something"), changes.pop("requester", "carol@example.com")
        may_revise = changes.pop("may_revise", True)
        panels = changes.pop("panels", [{"approvers": approvers or (ALICE, BOB), "quorum": changes.pop("quorum", 1)}])
        rules = ApprovalRules.model_validate({"panels": panels, **changes})
        request = ApprovalRequest(title=title, content=content, requester=requester, rules=rules, may_revise=may_revise)
        run = f"{name}-{next(_RUN_NUMBERS)}"
        self.host.start("publish", {**request.model_dump(mode="json"), **caller}, run)
        self.until(lambda: self.status(run))
        return run

    def status(self, run: str) -> dict[str, Any]:
        """Return the custom status of the run's gate; empty while there is none."""
        answer = self.host.call("GET", f"/runtime/webhooks/durabletask/instances/{run}-gate-1")
        return (answer.json["customStatus"] if answer.status in (200, 202) else None) or {}

    def link(self, run: str, approver: str = ALICE, **changes: Any) -> str:
        """Sign a link's path as the app does, with `changes` of its claims and, if given, another `secret`."""
        status = self.status(run)
        instance = self.host.call("GET", f"/runtime/webhooks/durabletask/instances/{run}-gate-1?showInput=true").json
        claims = {
            "gate": f"{run}-gate-1",
            "panel": status["panel"],
            "content_hash": _hash_in(instance["input"]),
            "approver": approver,
            "expires": status["expires"],
            **changes,
        }
        secret = claims.pop("secret", SECRET)
        return f"/api/approvals/{sign_link(secret, Claims.model_validate(claims))}"

    def answer(self, link: str, decision: str, comment: str = "", **headers: str) -> Answer:
        return self.host.call("POST", link, {"decision": decision, "comment": comment}, **headers)

    def decision(self, run: str) -> Decision:
        """Wait for the end of a run, and return its decision."""
        ended = self.host.wait(run)
        assert ended["runtimeStatus"] == "Completed", ended
        return Decision.model_validate(ended["output"])

    def mails_of(self, run: str, count: int) -> list[EmailMessage]:
        """Return the run's mails, once there are `count`."""

        def mails() -> list[EmailMessage]:
            return [mail for mail in self.mailbox.mails if f"Run: {run}" in mail.get_content().splitlines()]

        self.until(lambda: len(mails()) >= count)
        return mails()

    def until_notified(self, run: str) -> None:
        """Wait until the gate knows of a message that was handed over."""
        self.until(
            lambda: any(
                json.loads(event["Result"])["value"].get("sent")
                for event in self.host.recorded(f"{run}-gate-1").events
                if event["EventType"] == TASK_COMPLETED and json.loads(event["Result"])["outcome"] == "done"
            )
        )

    @staticmethod
    def until(condition: Callable[[], Any], *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not true within {seconds} s"
            time.sleep(0.01)


def _hash_in(gate: Any) -> str:
    while isinstance(gate, str):
        gate = json.loads(gate)
    return hash_of(ApprovalGate.model_validate(gate).request.content)


def link_in(text: str) -> str:
    """Return the path of the one link in a text."""
    [path] = set(re.findall(r"http://[0-9.:]+(/api/approvals/[A-Za-z0-9_.-]+)", text))
    return str(path)


@contextmanager
def settings(**changes: str | None) -> Iterator[None]:
    """Change the app's settings, and have them read anew; None leaves one out."""
    before = {key: os.environ.get(key) for key in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    current_settings.cache_clear()
    current_clients.cache_clear()


@contextmanager
def approval_app(data: Path, *, auth: bool = False, **changes: str | None) -> Iterator[ApprovalApp]:
    """Serve the app in `app/`, with mail and webhook, and `changes` of its settings."""
    mailbox, webhook, port = Mailbox(), WebhookServer(), free_port()
    mail_server = Controller(mailbox, hostname=HOST, port=port)
    mail_server.start()
    try:
        with in_thread(webhook.app) as hook_url, run_host(APP, data / "host", auth=auth) as host:
            values = {
                **EXAMPLE,
                "ARTIFACTS_URL": (data / "artifacts").as_uri(),
                "APPROVAL_SECRET": SECRET,
                "PUBLIC_URL": host.url,
                "SMTP_HOST": HOST,
                "SMTP_PORT": str(port),
                "SMTP_SECURITY": "none",
                "SMTP_FROM": "murmuration@example.com",
                "APPROVAL_WEBHOOK_URL": f"{hook_url}/hook/s3cret-part",
                **changes,
            }
            with settings(**values):
                yield ApprovalApp(host, mailbox, webhook)
    finally:
        mail_server.stop()


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """Make all calls at the same time."""
    answers: list[Answer] = []

    def make(call: Callable[[], Answer]) -> None:
        answers.append(call())

    threads = [threading.Thread(target=make, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
