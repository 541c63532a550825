"""What the steps of a simulated goal do to the world, which remembers it: artifacts, memories, messages, votes.

A step may be performed more than once, as the host's faults have it. What it leaves is kept under the keys that the
product's own policies make, so that leaving it twice shows.
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
from murmuration.contracts.plans import Plan, Planned
from murmuration.contracts.steps import Done, Failed
from murmuration.contracts.usage import Usage
from murmuration.policy.links import Claims, is_genuine, sign
from murmuration.policy.memories import memory_id, subject_key
from murmuration.policy.plan_rules import PlanRejected, checked_plan
from simulation.faults import Faults, Step
from simulation.goals import AGENTS, random_plan

SECRET = "the secret of a simulated app"  # noqa: S105
LARGE_CHARACTERS = 40_000
FREE = ("recall_memory", "remember_result", "append_turn", "notify_approvers", "verify_vote", "cancel_background")
"""Steps that ask no model."""
Reply = Contract | Failed


class World:
    """One goal's world. Replies are drawn from the seed and from what is asked, so order does not matter."""

    inlines_large = False
    """Whether large texts travel as they are: for planting a bug, as the class attributes that follow."""
    checks_seals = True
    spoilt_plans = 0.15
    """Of the planner's replies: they break a rule."""
    plans_by_rule = True
    row_id: Callable[..., str] = staticmethod(memory_id)
    link: Callable[[str, Claims], str] = staticmethod(sign)

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._draw = random.Random()
        """For the step that is being performed."""
        self.artifacts: dict[str, str] = {}
        self.rows: dict[str, str] = {}
        self.turns: set[tuple[str, str]] = set()
        """By conversation and run."""
        self.messages: dict[tuple[str, int, str, str, str], set[str]] = defaultdict(set)
        """By gate, panel, approver, kind and channel: the links that were sent."""
        self.plans: list[Plan] = []
        """That the planner has made and nothing has rejected."""

    def perform(self, step: Step, now: float) -> Any:
        del now  # nothing here has a clock: a step says when it is
        value = step.message["value"]
        asked = json.dumps(value, sort_keys=True)
        place = (step.instance, step.name, asked, step.message["attempt"], step.performed)
        self._draw = self._faults.of("reply", *place)
        reply: Reply = getattr(self, f"_{step.name}")(value)
        used = Usage() if step.name in FREE else Usage(model_calls=1, input_tokens=self._draw.randint(50, 400))
        if isinstance(reply, Failed):
            return reply.model_copy(update={"usage": used}).model_dump(mode="json")
        return Done(value=reply.model_dump(mode="json"), usage=used).model_dump(mode="json")

    def _content(self, text: str) -> Content:
        if len(text.encode()) <= INLINE_BYTES or self.inlines_large:
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
        if not self.plans_by_rule:
            tasks = tuple({**task.model_dump(exclude_none=True), "agent": "executor"} for task in reply.tasks)
            plan = Plan.model_validate({"tasks": tasks})
        else:
            try:
                plan = checked_plan(reply, AGENTS)
            except PlanRejected as problem:
                return Planned(rejected=str(problem), code=problem.code)
        self.plans.append(plan)
        return Planned(plan=plan)

    def _retrieve_passages(self, asked: Any) -> Reply:
        if self._draw.random() < 0.05:
            return Failed(code="search_refused", message="no")
        return Retrieved(
            passages=self._put(f"passages on {asked['text']}"), count=self._draw.randint(0, 6), mode="hybrid"
        )

    def _ask_agent(self, asked: Any) -> Reply:
        if self._draw.random() < 0.1:
            return Failed(code="model_refused", message="no")
        items = tuple(f"item {number}" for number in range(self._draw.randint(0, 3)))
        listed = items if asked["instruction"].endswith("lists") else ()
        return Draft(answer=self._text(asked["instruction"]), passages=None, items=listed)

    def _text(self, about: str) -> Content:
        text = f"{about}: version {self._draw.randint(0, 10**9)} [1]"
        return self._content(text + "." * LARGE_CHARACTERS if self._draw.random() < 0.05 else text)

    def _evaluate_result(self, _: Any) -> Reply:
        if self._draw.random() < 0.03:
            return Failed(code="unusable_reply", message="no")
        passed = self._draw.random() < 0.75
        wrong = not passed and self._draw.random() < 0.2
        return Verdict(passed=passed, score=self._draw.choice((0.2, 0.5, 0.8)), changes="more", plan_wrong=wrong)

    def _write_answer(self, _: Any) -> Reply:
        if self._draw.random() < 0.03:
            return Failed(code="model_refused", message="no")
        cited = Citation(number=1, source="tea.md", title="Tea", quote="Tea is hot.")
        return Answer(answer=self._text("answer"), citations=(cited,))

    def _extract_lessons(self, _: Any) -> Reply:
        count = range(self._draw.randint(0, 2))
        return ExtractionResult(
            lessons=tuple(Lesson(kind="fact", about=f"tea {each}", text=f"It is hot {each}.") for each in count)
        )

    def _remember_result(self, value: Any) -> Reply:
        rows = self.rows_of(RememberRequest.model_validate(value), self.row_id)
        self.rows |= rows
        return RememberResult(written=len(rows))

    @staticmethod
    def rows_of(remembrance: RememberRequest, row_id: Callable[..., str] = memory_id) -> dict[str, str]:
        """The memories that a run leaves, by their keys."""
        content = remembrance.answer
        text = content.text or (content.reference.artifact if content.reference else "")
        claims = [
            ("outcome", remembrance.goal, text),
            *((lesson.kind, lesson.about, lesson.text) for lesson in remembrance.lessons),
        ]
        return {row_id(remembrance.owner, kind, subject_key(kind, about), said): said for kind, about, said in claims}

    def _append_turn(self, value: Any) -> Reply:
        self.turns.add((value["session"], value["run"]))
        return TurnAppended(turns=1)

    def _notify_approvers(self, value: Any) -> Reply:
        told = Notification.model_validate(value)
        if told.channel == "webhook":
            return Notified(configured=False)
        if self._draw.random() < 0.1:
            return Failed(code="mail_refused", message="no")
        for approver in told.approvers:
            claims = Claims(gate=told.gate, panel=told.panel, asked=told.asked, approver=approver, expires=told.expires)
            self.messages[told.gate, told.panel, approver, told.kind, told.channel].add(self.link(SECRET, claims))
        return Notified(sent=told.approvers)

    def _verify_vote(self, value: Any) -> Reply:
        return VerificationResult(valid=not self.checks_seals or is_genuine(SECRET, Vote.model_validate(value["vote"])))

    def _cancel_background(self, _: Any) -> Reply:
        return Cancelled()
