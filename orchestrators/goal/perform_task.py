"""Perform one task of a plan: retrieve -> ask its agent -> evaluate -> revise, at most n times.

A task that fails says so in its report, after the fallback of its plan, and does not end the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.answers import Draft, FailedTask, TaskAnswer, TaskReport
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.passages import Query, Retrieved
from murmuration.contracts.plans import Task
from murmuration.contracts.steps import ASK_AGENT, RETRIEVE_PASSAGES
from murmuration.contracts.usage import NOTHING
from murmuration.durable.errors import StepFailed
from murmuration.durable.graph import run_all
from murmuration.policy.items import fitted_items
from murmuration.policy.references import ITEM, references, substitute, task_of
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.refine import Criteria, refine
from orchestrators.goal.run import Run
from orchestrators.goal.skip_task import skip, skipped_task
from orchestrators.goal.task_result import TaskResult, lost_parts


async def perform_task(run: Run, task: Task, earlier: Mapping[str, TaskResult]) -> TaskResult:
    """Perform the task, or skip it, or perform it for each of its items. `earlier` has the results of its inputs.

    Never raises `StepFailed`: a failure is a value. `RunFailed` and `BudgetExceeded` pass.
    """
    skipped = skipped_task(run, task, earlier)
    if skipped is not None:
        return skipped
    if task.for_each is not None:
        result = await _for_each(run, task, earlier)
    else:
        result = await TaskExecution(run, task, earlier).perform()
    return replace(result, lost=(*_lost_items(task, earlier), *result.lost))


async def _for_each(run: Run, task: Task, earlier: Mapping[str, TaskResult]) -> TaskResult:
    """Perform the task for each item of an earlier answer; the items beyond the limit are lost."""
    assert task.for_each is not None  # noqa: S101 - the caller has checked it
    items, left_out = fitted_items(earlier[task.for_each].items)
    if not items:
        return skip(run, task, f"{task.for_each} has no items")
    run.report(task.id, state="running")
    instructions = [substitute(task.instruction, {ITEM: item}) for item in items]
    executions = [
        TaskExecution(run, task.model_copy(update={"instruction": instruction}), earlier, number)
        for number, instruction in enumerate(instructions, start=1)
    ]
    results = await run_all([execution.perform for execution in executions])
    return _merge(run, task, results, lost_parts(task.for_each, left_out))


def _lost_items(task: Task, earlier: Mapping[str, TaskResult]) -> tuple[FailedTask, ...]:
    """The items of earlier answers that this task should have worked on, and that were left out or cut."""
    listed = [task_of(reference) for reference in references(task.instruction) if reference.endswith(".items")]
    sources = dict.fromkeys([*([task.for_each] if task.for_each else []), *listed])
    return tuple(
        failed
        for source in sources
        for answer in earlier[source].answers
        for failed in lost_parts(answer.task, answer.draft.lost_items)
    )


def _merge(run: Run, task: Task, results: Sequence[TaskResult], left_out: tuple[FailedTask, ...]) -> TaskResult:
    """The results for all items, as the result of the one task of the plan."""
    lost = (*(part for result in results for part in result.lost), *left_out)
    failed = [result.report.reason for result in results if result.empty]
    reason = f"{len(failed)} of {len(results)} failed: {failed[0]}" if failed else ""
    if len(failed) == len(results):
        return TaskResult(task, run.report(task.id, state="failed", reason=reason), code=results[0].code, lost=lost)
    verdicts = [result.report.verdict for result in results if result.report.verdict is not None]
    worst = min(verdicts, key=lambda verdict: (verdict.passed, verdict.score), default=None)
    revisions = sum(result.report.revisions for result in results)
    report = run.report(task.id, state="done", verdict=worst, revisions=revisions, reason=reason)
    return TaskResult(
        task,
        report,
        passages=tuple(passage for result in results for passage in result.passages),
        count=sum(result.count for result in results),
        answers=tuple(answer for result in results for answer in result.answers),
        lost=lost,
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
        self._is_item = number > 0

    def report(self, **changed: Any) -> TaskReport:
        """Change the report. The reports of items are merged into the task's own at the end."""
        if not self._is_item:
            return self.run.report(self.task.id, **changed)
        self._report = self._report.model_copy(update=changed)
        return self._report

    async def perform(self) -> TaskResult:
        """Wait for one of the run's task slots, perform the task, and fall back if it fails."""
        async with self.run.task_slots:
            self.report(state="running")
            try:
                return await self._in_time(self.task.agent)
            except StepFailed as failure:
                if self.task.on_failure == "fail_run":
                    self.report(state="failed", reason=str(failure))
                    reason = f"task {self.name!r} failed, and the plan ends the run then: {failure}"
                    raise RunFailed("task_failed", reason) from failure
                return await self._fall_back(failure)

    async def _in_time(self, agent: str) -> TaskResult:
        seconds = self.task.timeout_seconds
        try:
            async with self.run.clock.time_limit(seconds):
                return await self._attempt(agent)
        except TimeoutError:
            raise StepFailed("task_timeout", f"not done after {seconds} s", NOTHING) from None

    async def _fall_back(self, failure: StepFailed) -> TaskResult:
        """The plan's fixed answer, or another agent's attempt; without either the task has failed."""
        fallback = self.task.fallback
        if fallback is not None and fallback.answer is not None:
            self.run.degrade("fallback_answer")
            report = self.report(state="done", reason=f"a fixed answer instead: {failure}")
            return self._answered(report, Draft(answer=Content(text=fallback.answer)))
        if fallback is not None and fallback.agent is not None:
            try:
                result = await self._in_time(fallback.agent)
            except StepFailed as again:
                failure = again
            else:
                self.run.degrade("fallback_agent")
                return result
        lost = FailedTask(task=self.name, instruction=self.task.instruction, reason=str(failure))
        report = self.report(state="failed", reason=str(failure))
        return TaskResult(self.task, report, code=failure.code, lost=(lost,))

    async def _attempt(self, agent: str) -> TaskResult:
        if self.task.type == "retriever":
            retrieved = await self._retrieve()
            report = self.report(state="done")
            return TaskResult(self.task, report, passages=(retrieved.passages,), count=retrieved.count)
        if self.task.type == "agent":
            answer = await self._ask(agent, self._passages())
            return self._answered(self.report(state="done"), answer)
        return await self._execute(agent)

    async def _retrieve(self) -> Retrieved:
        goal = self.run.goal
        query = Query(
            owner=goal.owner,
            text=self.task.instruction,
            inserts=self._inserts,
            query_variants=self.task.queries,
            scope=goal.scope,
        )
        return await self.run.step(RETRIEVE_PASSAGES, query, about=self.name)

    async def _execute(self, agent: str) -> TaskResult:
        passages = self._passages() or ((await self._retrieve()).passages,)

        async def write(previous: Draft | None, changes: str, revision: int) -> Draft:
            if revision:
                self.report(state="revising", revisions=revision)
            return await self._ask(agent, passages, previous, changes)

        evaluated = await refine(self.run, Criteria(self.task.instruction, self._inserts, task=self.name), write)
        return self._answered(self.report(state="done", verdict=evaluated.verdict), evaluated.draft)

    def _passages(self) -> tuple[Reference, ...]:
        return tuple(passage for result in self._inputs for passage in result.passages)

    async def _ask(
        self, agent: str, passages: tuple[Reference, ...], previous: Draft | None = None, changes: str = ""
    ) -> AgentAnswer:
        brief = AgentBrief(
            agent=agent,
            goal=self.run.goal.text,
            instruction=self.task.instruction,
            inserts=self._inserts,
            passages=passages,
            earlier=tuple(answer for result in self._inputs for answer in result.answers),
            previous=previous,
            changes=changes,
        )
        return await self.run.step(ASK_AGENT, brief, about=self.name)

    def _answered(self, report: TaskReport, draft: Draft) -> TaskResult:
        answer = TaskAnswer(task=self.name, instruction=self.task.instruction, draft=draft)
        return TaskResult(self.task, report, answers=(answer,))


def _inserts(task: Task, earlier: Mapping[str, TaskResult]) -> dict[str, tuple[Content, ...]]:
    """The texts that the references in the task's instruction stand for; a list has an item on each line."""
    inserts: dict[str, tuple[Content, ...]] = {}
    for reference in references(task.instruction):
        answers = earlier[task_of(reference)].answers
        if reference.endswith(".items"):
            inserts[reference] = (Content(text="\n".join(earlier[task_of(reference)].items)),)
        else:
            inserts[reference] = tuple(answer.draft.answer for answer in answers)
    return inserts
