"""The world of a simulated goal: it answers steps, and records their effects: artifacts, memories and messages.

Faults may perform a step more than once. Its effects are stored under the keys that the product's own policies make,
so that a second effect is visible.
"""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from murmuration.contracts.answers import Answer, Citation, Draft, Verdict
from murmuration.contracts.approvals import Notification, Notified, VerificationResult, Vote
from murmuration.contracts.background import Cancelled
from murmuration.contracts.base import Contract
from murmuration.contracts.content import INLINE_BYTES, Content, Reference
from murmuration.contracts.memories import (
    ExtractionResult,
    Lesson,
    RecallResult,
    RememberRequest,
    RememberResult,
    TurnAppended,
)
from murmuration.contracts.passages import Retrieved
from murmuration.contracts.plans import MAX_ITEMS, Plan, Planned
from murmuration.contracts.steps import RETRIEVE_PASSAGES, STEPS, Done, Failed
from murmuration.contracts.usage import Usage
from murmuration.policy.items import MAX_ITEM_CHARACTERS, fitted_items
from murmuration.policy.links import Claims, is_genuine, sign_link
from murmuration.policy.memories import memory_id, subject_key
from murmuration.policy.plan_rules import PlanRejected, checked_plan
from simulation.faults import Faults
from simulation.goals import AGENTS, random_plan
from simulation.records import ScheduledStep

SECRET = "the secret of a simulated app"  # noqa: S105
LARGE_CHARACTERS = 40_000
MODEL_STEPS = {step.name for step in STEPS if step.tokens or step is RETRIEVE_PASSAGES}
"""Steps that call a model, for a reply or for embeddings."""
Reply = Contract | Failed


class World:
    """The world of one goal. Replies are drawn from the seed and from the request, so that order does not matter.

    A planted bug is a subclass with other class attributes.
    """

    inlines_large_texts = False
    verifies_votes = True
    spoilt_plans = 0.15
    """The share of the planner's replies that break a rule."""
    checks_plans = True
    row_id: Callable[..., str] = staticmethod(memory_id)
    link: Callable[[str, Claims], str] = staticmethod(sign_link)

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._draw = random.Random()
        """The draws of the step that is being performed."""
        self.artifacts: dict[str, str] = {}
        self.rows: dict[str, str] = {}
        self.turns: set[tuple[str, str]] = set()
        """Pairs of conversation and run."""
        self.messages: dict[tuple[str, int, str, str, str], set[str]] = defaultdict(set)
        """The links that were sent, by gate, panel, approver, kind and channel."""
        self.plans: list[Plan] = []
        """The planner's plans that nothing has rejected."""

    def perform(self, step: ScheduledStep) -> Any:
        """The result of the step as JSON; its effects happen."""
        value = step.message["value"]
        request = json.dumps(value, sort_keys=True)
        place = (step.instance, step.name, request, step.message["attempt"], step.performed)
        self._draw = self._faults.draw("reply", *place)
        reply: Reply = getattr(self, f"_{step.name}")(value)
        usage = Usage()
        if step.name in MODEL_STEPS:
            usage = Usage(model_calls=1, input_tokens=self._draw.randint(50, 400))
        if isinstance(reply, Failed):
            return reply.model_copy(update={"usage": usage}).model_dump(mode="json")
        return Done(value=reply.model_dump(mode="json"), usage=usage).model_dump(mode="json")

    def _content(self, text: str) -> Content:
        if len(text.encode()) <= INLINE_BYTES or self.inlines_large_texts:
            return Content(text=text)
        return Content(reference=self._put(text))

    def _put(self, text: str) -> Reference:
        name = f"t/runs/run/{hashlib.sha256(text.encode()).hexdigest()}"
        self.artifacts[name] = text
        return Reference(artifact=name, bytes=len(text.encode()))

    def _recall_memory(self, _: Any) -> Reply:
        return RecallResult()

    def _plan_goal(self, _: Any) -> Reply:
        reply = random_plan(self._draw, spoilt=self._draw.random() < self.spoilt_plans)
        if not self.checks_plans:
            tasks = tuple({**task.model_dump(exclude_none=True), "agent": "executor"} for task in reply.tasks)
            plan = Plan.model_validate({"tasks": tasks})
        else:
            try:
                plan = checked_plan(reply, AGENTS)
            except PlanRejected as problem:
                return Planned(rejected=str(problem), code=problem.code)
        self.plans.append(plan)
        return Planned(plan=plan)

    def _retrieve_passages(self, value: Any) -> Reply:
        if self._draw.random() < 0.05:
            return Failed(code="search_refused", message="no")
        return Retrieved(
            passages=self._put(f"passages on {value['text']}"), count=self._draw.randint(0, 6), mode="hybrid"
        )

    def _ask_agent(self, value: Any) -> Reply:
        if self._draw.random() < 0.1:
            return Failed(code="model_refused", message="no")
        answer = self._text(value["instruction"])
        if not value["instruction"].endswith("lists"):
            return Draft(answer=answer)
        count = MAX_ITEMS + 2 if self._draw.random() < 0.05 else self._draw.randint(0, 3)
        long = "x" * MAX_ITEM_CHARACTERS if self._draw.random() < 0.1 else ""
        items, lost_items = fitted_items([f"item {number}{long}" for number in range(count)])
        return Draft(answer=answer, items=items, lost_items=lost_items)

    def _text(self, about: str) -> Content:
        text = f"{about}: version {self._draw.randint(0, 10**9)} [1]"
        return self._content(text + "." * LARGE_CHARACTERS if self._draw.random() < 0.05 else text)

    def _evaluate_result(self, _: Any) -> Reply:
        if self._draw.random() < 0.03:
            return Failed(code="unusable_reply", message="no")
        passed = self._draw.random() < 0.75
        plan_wrong = not passed and self._draw.random() < 0.2
        return Verdict(passed=passed, score=self._draw.choice((0.2, 0.5, 0.8)), changes="more", plan_wrong=plan_wrong)

    def _write_answer(self, _: Any) -> Reply:
        if self._draw.random() < 0.03:
            return Failed(code="model_refused", message="no")
        citation = Citation(number=1, source="tea.md", title="Tea", quote="Tea is hot.")
        return Answer(answer=self._text("answer"), citations=(citation,))

    def _extract_lessons(self, _: Any) -> Reply:
        numbers = range(self._draw.randint(0, 2))
        return ExtractionResult(
            lessons=tuple(Lesson(kind="fact", about=f"tea {number}", text=f"It is hot {number}.") for number in numbers)
        )

    def _remember_result(self, value: Any) -> Reply:
        rows = self.rows_of(RememberRequest.model_validate(value), self.row_id)
        self.rows |= rows
        return RememberResult(written=len(rows))

    @staticmethod
    def rows_of(request: RememberRequest, row_id: Callable[..., str] = memory_id) -> dict[str, str]:
        """The memories that a request writes, by their keys."""
        content = request.answer
        text = content.text or (content.reference.artifact if content.reference else "")
        claims = [
            ("outcome", request.goal, text),
            *((lesson.kind, lesson.about, lesson.text) for lesson in request.lessons),
        ]
        return {row_id(request.owner, kind, subject_key(kind, about), claim): claim for kind, about, claim in claims}

    def _append_turn(self, value: Any) -> Reply:
        self.turns.add((value["session"], value["run"]))
        return TurnAppended(turns=1)

    def _notify_approvers(self, value: Any) -> Reply:
        request = Notification.model_validate(value)
        if request.channel == "webhook":
            return Notified(configured=False)
        if self._draw.random() < 0.1:
            return Failed(code="mail_refused", message="no")
        for approver in request.approvers:
            claims = Claims(
                gate=request.gate,
                panel=request.panel,
                content_hash=request.content_hash,
                approver=approver,
                expires=request.expires,
            )
            message = (request.gate, request.panel, approver, request.kind, request.channel)
            self.messages[message].add(self.link(SECRET, claims))
        return Notified(sent=request.approvers)

    def _verify_vote(self, value: Any) -> Reply:
        genuine = is_genuine(SECRET, Vote.model_validate(value["vote"]))
        return VerificationResult(valid=genuine or not self.verifies_votes)

    def _cancel_background(self, _: Any) -> Reply:
        return Cancelled()
