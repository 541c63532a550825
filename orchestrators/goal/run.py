"""One run under way: what it has used, how far it is, and what people may see of it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.answers import Answer, Outcome, Problem, Stage, TaskReport, Verdict
from murmuration.contracts.approvals import ApprovalRequest, ApprovalRules, Decision
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Approvable, Goal
from murmuration.contracts.memories import Note
from murmuration.contracts.plans import Task
from murmuration.contracts.steps import Done, Returns, Step, Takes
from murmuration.durable.calls import call
from murmuration.durable.errors import StepFailed
from murmuration.durable.workflow import Flow
from murmuration.policy.budget import BudgetTracker
from orchestrators.goal.clock import RunClock
from orchestrators.goal.status import NO_TITLES, status, task_row, titles_that_fit

MAX_EXTENSIONS = 3
"""How often people may allow a run as much again."""
MAX_DETAILS_CHARACTERS = 8_000


class BudgetExceeded(Exception):
    """The run may not schedule another step; the message says which limit it has reached."""


class Run:
    """The mutable part of a run. Every replay rebuilds it from history, so it holds nothing else."""

    def __init__(self, flow: Flow, goal: Goal) -> None:
        self.flow = flow
        self.goal = goal
        self.budget = BudgetTracker(goal.options.budget, goal.prices)
        self.notes: tuple[Note, ...] = ()
        self.tasks: dict[str, TaskReport] = {}
        self.answer: Answer | None = None
        self.verdict: Verdict | None = None
        self.revisions = 0
        self.replans = 0
        self.gates = 0
        self.approvals: tuple[Decision, ...] = ()
        self.wishes: tuple[str, ...] = ()
        """Everything that approvers have asked for, the oldest first."""
        self.clock = RunClock(flow)
        self.answer_hidden = self.needs_approval_of("answer")
        """Whether the answer may not go out: it was not approved, however the run ends."""
        self._extension: asyncio.Task[bool] | None = None
        self._extensions = 0
        self.task_slots = asyncio.Semaphore(goal.options.concurrency)
        self._stage: Stage = "recalling"
        self._titles = NO_TITLES
        self._rows: dict[str, dict[str, Any]] = {}
        """The row of each task in the status."""
        self._prompts: dict[str, str] = {}
        self._models: set[str] = set()
        self._degraded: set[str] = set()

    async def step(self, step: Step[Takes, Returns], value: Takes, *, about: str = "") -> Returns:
        """`call`, within the budget and charged to it; raises `BudgetExceeded` and `StepFailed`."""
        while (reason := self.budget.reached(self.clock.seconds)) is not None:
            if not (await self._extended(reason)):
                raise BudgetExceeded(reason)
        downgrade_model = self.goal.options.on_budget == "degrade" and self.budget.nearly_spent
        if downgrade_model:
            self.degrade("cheaper_models")
        self.budget.reserve(step.tokens)
        try:
            result = await call(self.flow, step, value, about=about, downgrade_model=downgrade_model)
        except StepFailed as failure:
            self.budget.settle(step.tokens, failure.usage, step.name)
            raise
        # A step that nobody waits for any more, after a timeout, stays promised: what it takes is never told.
        self.budget.settle(step.tokens, result.usage, next(iter(result.prompts), step.name))
        self._record_usage(result)
        return result.value

    async def _extended(self, reason: str) -> bool:
        """Return whether people allow as much again. All tasks that meet the limit at one time await one gate."""
        if self.goal.options.on_budget != "ask_person":
            return False
        if self._extension is None:
            if self._extensions == MAX_EXTENSIONS:
                return False
            self._extension = asyncio.create_task(self._ask_to_extend(reason), name="budget gate")
        return await asyncio.shield(self._extension)  # a task that runs out of time leaves the gate to the others

    async def _ask_to_extend(self, reason: str) -> bool:
        text = f"{reason}. To approve is to allow as much again as at first.\n\nGoal: {self.goal.text}"
        request = self.request("Budget", Content(text=text))
        with self.clock.stopped():
            decision = await seek_approval(self.flow, self.next_gate(), request, self.goal.caller)
        self._extension = None
        self.approvals += (decision,)
        granted = decision.state == "approved"
        if granted:
            self._extensions += 1
            self.budget.extend()
        return granted

    def next_gate(self) -> int:
        self.gates += 1
        return self.gates

    def request(self, title: str, content: Content, details: str = "", *, may_revise: bool = False) -> ApprovalRequest:
        """Make a request for approval, by the goal's rules."""
        rules = self.goal.options.approval
        assert rules is not None  # noqa: S101 - the HTTP API refuses a goal that needs approval by nobody
        return ApprovalRequest(
            title=title,
            content=content,
            details=details[:MAX_DETAILS_CHARACTERS],
            requester=self.goal.requester,
            rules=ApprovalRules.model_validate(rules.model_dump()),
            may_revise=may_revise,
        )

    def _record_usage(self, done: Done[Any]) -> None:
        self._prompts.update(done.prompts)
        self._models.update(done.models)
        self._degraded.update(done.degraded)

    @property
    def may_plan_again(self) -> bool:
        """A plan that the caller has given is not replaced."""
        return self.goal.plan is None and self.replans < self.goal.options.replan_limit

    def degrade(self, how: str) -> None:
        """Record that something was worked around; the outcome says so."""
        self._degraded.add(how)

    def needs_approval_of(self, what: Approvable) -> bool:
        options = self.goal.options
        return options.approval is not None and what in options.approval.of

    def set_stage(self, stage: Stage) -> Stage:
        """Returns the stage before."""
        before, self._stage = self._stage, stage
        return before

    def start_tasks(self, tasks: Iterable[Task]) -> None:
        """The plan's tasks, as waiting."""
        self.tasks = {
            task.id: TaskReport(id=task.id, type=task.type, instruction=task.instruction, state="waiting")
            for task in tasks
        }
        self._titles = titles_that_fit(self.tasks.values())
        self._rows = {name: task_row(task, self._titles) for name, task in self.tasks.items()}

    def report(self, task_id: str, **changed: Any) -> TaskReport:
        """Change what is known of a task."""
        return self.set_report(self.tasks[task_id].model_copy(update=changed))

    def set_report(self, report: TaskReport) -> TaskReport:
        """This is known of a task."""
        self.tasks[report.id] = report
        self._rows[report.id] = task_row(report, self._titles)
        return report

    def publish(self) -> None:
        """Show how far it is. Once for all that has happened before it waits: every replay goes through all of it."""
        self.flow.set_status(status(self._stage, self._rows.values(), self.budget.model_calls, self.budget.tokens))

    def outcome(self, error: Problem | None = None) -> Outcome:
        """Make the outcome: completed, or failed with `error` and the best answer so far."""
        self.set_stage("ended")
        answer = None if self.answer_hidden else self.answer
        text = answer.answer.text if answer else ""
        large = answer.answer.reference if answer else None
        return Outcome(
            status="failed" if error else "completed",
            answer=text or "",
            answer_artifact=large.artifact if large else None,
            citations=answer.citations if answer else (),
            verdict=self.verdict,
            revisions=self.revisions,
            tasks=tuple(self.tasks.values()),
            usage=self.budget.usage,
            cost=self.budget.cost,
            prompts=dict(sorted(self._prompts.items())),
            models=tuple(sorted(self._models)),
            degraded=tuple(sorted(self._degraded)),
            approvals=self.approvals,
            missing=answer.missing if answer else (),
            metadata=self.goal.metadata,
            error=error,
        )
