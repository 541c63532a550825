"""Perform one task of a plan: retrieve -> execute -> evaluate -> revise ≤ limit.

A task that fails says so in its report, after what its plan has foreseen for it, and does not end the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.answers import Draft, TaskAnswer, TaskReport
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.passages import Query, Retrieved
from murmuration.contracts.plans import MAX_ITEMS, Task
from murmuration.contracts.steps import ASK_AGENT, RETRIEVE_PASSAGES
from murmuration.durable.flow import StepFailed, Strand, within
from murmuration.durable.graph import Group
from murmuration.policy.conditions import holds
from murmuration.policy.references import ITEM, references, substitute, task_of
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.refine import Criteria, refine
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import TaskResult


def begin_task(run: Run, task: Task, earlier: Mapping[str, TaskResult]) -> Strand[TaskResult] | Group[TaskResult]:
    """One strand, or one for each item of the task that it is done for. `earlier` holds what the task depends on.

    A strand never raises `StepFailed`: a failure is a value. `RunFailed` passes.
    """
    reason = _why_not(task, earlier)
    if reason is not None:
        return _skipped(run, task, reason)
    if task.for_each is None:
        return TaskExecution(run, task, earlier).perform()
    items = [item for answer in earlier[task.for_each].answers for item in answer.draft.items][:MAX_ITEMS]
    if not items:
        return _skipped(run, task, f"{task.for_each} has no items")
    run.report(task.id, state="running")
    members = [
        TaskExecution(
            run, task.model_copy(update={"instruction": substitute(task.instruction, {ITEM: item})}), earlier, number
        )
        for number, item in enumerate(items, start=1)
    ]
    return Group([member.perform for member in members], lambda done: _gathered(run, task, done))


def _why_not(task: Task, earlier: Mapping[str, TaskResult]) -> str | None:
    """Why the task is skipped; None when it is not."""
    inputs = [earlier[name] for name in task.depends_on]
    if inputs and all(input_.empty for input_ in inputs):
        names = ", ".join(input_.task.id for input_ in inputs)
        return f"needs {names}, which {'failed' if any(input_.failed for input_ in inputs) else 'left nothing'}"
    if task.when is None:
        return None
    tested = earlier[task.when.task]
    what = f"{task.when.task}.{task.when.field}"
    if task.when.field == "answer" and any(answer.draft.answer.reference for answer in tested.answers):
        return f"{what} is too long to be compared"
    return (
        None
        if holds(task.when, tested.condition_values)
        else f"{what} {task.when.op} {task.when.value!r} does not hold"
    )


def _skipped(run: Run, task: Task, reason: str) -> Strand[TaskResult]:
    return TaskResult(task, run.report(task.id, state="skipped", reason=reason))
    yield  # a strand that waits for nothing


def _gathered(run: Run, task: Task, members: Sequence[TaskResult]) -> TaskResult:
    """Gather the results of all items as the result of the one task of the plan."""
    failed = [member.report.reason for member in members if member.empty]
    reason = f"{len(failed)} of {len(members)} failed: {failed[0]}" if failed else ""
    if len(failed) == len(members):
        return TaskResult(task, run.report(task.id, state="failed", reason=reason), code=members[0].code)
    verdicts = [member.report.verdict for member in members if member.report.verdict is not None]
    worst = min(verdicts, key=lambda verdict: (verdict.passed, verdict.score), default=None)
    revisions = sum(member.report.revisions for member in members)
    report = run.report(task.id, state="done", verdict=worst, revisions=revisions, reason=reason)
    return TaskResult(
        task,
        report,
        passages=tuple(passage for member in members for passage in member.passages),
        count=sum(member.count for member in members),
        answers=tuple(answer for member in members for answer in member.answers),
    )


class TaskExecution:
    """One task under way, or the task for one of its items (`number`, from 1)."""

    def __init__(self, run: Run, task: Task, earlier: Mapping[str, TaskResult], number: int = 0) -> None:
        self.run = run
        self.task = task
        self.name = f"{task.id}[{number}]" if number else task.id
        self._inputs = [earlier[name] for name in task.depends_on]
        self._inserts = _inserts(task, earlier)
        self._report = run.tasks[task.id]
        self._shown = not number

    def report(self, **changed: Any) -> TaskReport:
        """Change the task's report; a member's stays its own, and the task's is made of all."""
        if self._shown:
            return self.run.report(self.task.id, **changed)
        self._report = self._report.model_copy(update=changed)
        return self._report

    def perform(self) -> Strand[TaskResult]:
        self.report(state="running")
        try:
            return (yield from self._in_time(self._attempt(self.task.agent)))
        except StepFailed as failure:
            if self.task.on_failure == "fail_run":
                self.report(state="failed", reason=str(failure))
                reason = f"task {self.name!r} failed, and the plan ends the run then: {failure}"
                raise RunFailed("task_failed", reason) from failure
            return (yield from self._fall_back(failure))

    def _in_time(self, attempt: Strand[TaskResult]) -> Strand[TaskResult]:
        if self.task.timeout_seconds is None:
            return attempt
        return within(self.run.context, self.task.timeout_seconds, attempt)

    def _fall_back(self, failure: StepFailed) -> Strand[TaskResult]:
        """Take the plan's fallback, if it has one."""
        fallback = self.task.fallback
        if fallback is not None and fallback.answer is not None:
            self.run.degrade("fallback_answer")
            report = self.report(state="done", reason=f"a fixed answer instead: {failure}")
            return self._answered(report, Draft(answer=Content(text=fallback.answer)))
        if fallback is not None and fallback.agent is not None:
            try:
                performed = yield from self._in_time(self._attempt(fallback.agent))
            except StepFailed as again:
                failure = again
            else:
                self.run.degrade("fallback_agent")
                return performed
        return TaskResult(self.task, self.report(state="failed", reason=str(failure)), code=failure.code)

    def _attempt(self, agent: str) -> Strand[TaskResult]:
        if self.task.type == "retriever":
            found = yield from self._retrieve()
            return TaskResult(self.task, self.report(state="done"), passages=(found.passages,), count=found.count)
        if self.task.type == "agent":
            answer = yield from self._ask(agent, self._passages())
            return self._answered(self.report(state="done"), answer)
        return (yield from self._execute(agent))

    def _retrieve(self) -> Strand[Retrieved]:
        goal = self.run.goal
        query = Query(
            owner=goal.owner,
            text=self.task.instruction,
            inserts=self._inserts,
            query_variants=self.task.queries,
            scope=goal.scope,
        )
        return (yield from self.run.step(RETRIEVE_PASSAGES, query, about=self.name))

    def _execute(self, agent: str) -> Strand[TaskResult]:
        passages = self._passages() or ((yield from self._retrieve()).passages,)

        def write(previous: Draft | None, changes: str, revision: int) -> Strand[Draft]:
            if revision:
                self.report(state="revising", revisions=revision)
            return (yield from self._ask(agent, passages, previous, changes))

        judged = yield from refine(self.run, Criteria(self.task.instruction, self._inserts, task=self.name), write)
        return self._answered(self.report(state="done", verdict=judged.verdict), judged.draft)

    def _passages(self) -> tuple[Reference, ...]:
        return tuple(passage for input_ in self._inputs for passage in input_.passages)

    def _ask(
        self, agent: str, passages: tuple[Reference, ...], previous: Draft | None = None, changes: str = ""
    ) -> Strand[AgentAnswer]:
        brief = AgentBrief(
            agent=agent,
            goal=self.run.goal.text,
            instruction=self.task.instruction,
            inserts=self._inserts,
            passages=passages,
            earlier=tuple(answer for input_ in self._inputs for answer in input_.answers),
            previous=previous,
            changes=changes,
        )
        return (yield from self.run.step(ASK_AGENT, brief, about=self.name))

    def _answered(self, report: TaskReport, draft: Draft) -> TaskResult:
        answer = TaskAnswer(task=self.name, instruction=self.task.instruction, draft=draft)
        return TaskResult(self.task, report, answers=(answer,))


def _inserts(task: Task, earlier: Mapping[str, TaskResult]) -> dict[str, tuple[Content, ...]]:
    """Resolve the references in the task's instruction; items stand one on a line."""
    found: dict[str, tuple[Content, ...]] = {}
    for reference in references(task.instruction):
        answers = earlier[task_of(reference)].answers
        if reference.endswith(".items"):
            items = [item for answer in answers for item in answer.draft.items]
            found[reference] = (Content(text="\n".join(items)),)
        else:
            found[reference] = tuple(answer.draft.answer for answer in answers)
    return found
