"""The door on the local host, with a real mail server and a real webhook on loopback.

One at a time: the SDK has one HTTP session for the whole process.
"""

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
from murmuration.policy.tenancy import run_id
from murmuration.services.current import current_clients, current_settings

APP = Path(__file__).parent / "app"
SECRET = "a secret of these tests, 32 characters"  # noqa: S105
EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
ALICE, BOB, CAROL = (f"{name}@example.com" for name in ("alice", "bob", "carol"))


class Mailbox:
    """What a mail server has taken; addresses at `nowhere.example` are refused for good."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.busy_for: set[str] = set()
        """Whose next message is put off with 451."""

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
class Wall:
    """What was posted to a webhook. `answers` come first, as (status, Retry-After)."""

    cards: list[Any] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    async def app(self) -> web.Application:
        made = web.Application()
        made.router.add_post("/hook/{name}", self._take)
        return made

    async def _take(self, request: web.Request) -> web.Response:
        if self.answers:
            status, after = self.answers.pop(0)
            return web.Response(status=status, headers={"Retry-After": after} if after else {})
        self.cards.append(await request.json())
        return web.Response(status=202)


@dataclass
class Door:
    """Starts runs that ask, and answers as approvers do."""

    host: DurableHost
    mailbox: Mailbox
    wall: Wall

    def ask(self, name: str, *approvers: str, text: str | Content = "Publish it?", **given: Any) -> str:
        """A run that waits for approval; `given` are `tenant`, `requester`, `title`, and the rules' own fields."""
        tenant = given.pop("tenant", "default")
        asked = text if isinstance(text, Content) else Content(text=text)
        title, requester = given.pop("title", "Something"), given.pop("requester", "carol@example.com")
        panels = given.pop("panels", [{"approvers": approvers or (ALICE, BOB), "quorum": given.pop("quorum", 1)}])
        rules = ApprovalRules.model_validate({"panels": panels, **given})
        request = ApprovalRequest(title=title, asked=asked, requester=requester, rules=rules)
        run = self.host.start("achieve_goal", request.model_dump(mode="json"), run_id(tenant, name))
        self.until(lambda: self.status(run))
        return run

    def status(self, run: str) -> dict[str, Any]:
        """The gate's custom status; empty while there is none."""
        answer = self.host.call("GET", f"/runtime/webhooks/durabletask/instances/{run}-gate-1")
        shown = answer.json["customStatus"] if answer.status in (200, 202) else None
        return shown or {}

    def link(self, run: str, approver: str = ALICE, **changed: Any) -> str:
        """The path of a link as the app signs it, before `changed` is done to what it says."""
        status = self.status(run)
        shown = self.host.call("GET", f"/runtime/webhooks/durabletask/instances/{run}-gate-1?showInput=true").json
        claims = {
            "gate": f"{run}-gate-1",
            "panel": status["panel"],
            "asked": _hash_in(shown["input"]),
            "approver": approver,
            "expires": status["expires"],
            **changed,
        }
        secret = claims.pop("secret", SECRET)
        return f"/api/approvals/{sign_link(secret, Claims.model_validate(claims))}"

    def answer(self, link: str, decision: str, comment: str = "", **headers: str) -> Answer:
        return self.host.call("POST", link, {"decision": decision, "comment": comment}, **headers)

    def decision(self, run: str) -> Decision:
        ended = self.host.wait(run)
        assert ended["runtimeStatus"] == "Completed", ended
        return Decision.model_validate(ended["output"])

    def mails_of(self, run: str, count: int) -> list[EmailMessage]:
        """The run's mails, once there are `count`."""

        def found() -> list[EmailMessage]:
            return [mail for mail in self.mailbox.mails if run in mail.get_content()]

        self.until(lambda: len(found()) >= count)
        return found()

    def until_notified(self, run: str) -> None:
        """Until the gate knows of a message that was handed over."""
        self.until(
            lambda: any(
                json.loads(event["Result"])["value"].get("sent")
                for event in self.host.recorded(f"{run}-gate-1").events
                if event["EventType"] == TASK_COMPLETED and json.loads(event["Result"])["outcome"] == "done"
            )
        )

    @staticmethod
    def until(told: Callable[[], Any], *, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not told():
            assert time.monotonic() < deadline, "it does not come about"
            time.sleep(0.01)


def _hash_in(given: Any) -> str:
    while isinstance(given, str):
        given = json.loads(given)
    return hash_of(ApprovalGate.model_validate(given).request.asked)


def link_in(text: str) -> str:
    """The path of the one link in a text."""
    [found] = set(re.findall(r"http://[0-9.:]+(/api/approvals/[A-Za-z0-9_.-]+)", text))
    return str(found)


@contextmanager
def settings(**changed: str | None) -> Iterator[None]:
    """The app's settings, read anew; None leaves one out."""
    before = {key: os.environ.get(key) for key in changed}
    _set(changed)
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
def open_door(data: Path, *, auth: bool = False, **changed: str | None) -> Iterator[Door]:
    mailbox, wall, port = Mailbox(), Wall(), free_port()
    server = Controller(mailbox, hostname=HOST, port=port)
    server.start()
    try:
        with in_thread(wall.app) as hook, run_host(APP, data / "host", auth=auth) as host:
            given = {
                **EXAMPLE,
                "ARTIFACTS_URL": (data / "artifacts").as_uri(),
                "APPROVAL_SECRET": SECRET,
                "PUBLIC_URL": host.url,
                "SMTP_HOST": HOST,
                "SMTP_PORT": str(port),
                "SMTP_SECURITY": "none",
                "SMTP_FROM": "murmuration@example.com",
                "APPROVAL_WEBHOOK_URL": f"{hook}/hook/s3cret-part",
                **changed,
            }
            with settings(**given):
                yield Door(host, mailbox, wall)
    finally:
        server.stop()


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
