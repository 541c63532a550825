"""Perform one task of a plan: retrieve -> execute -> evaluate -> revise ≤ limit.

A task that fails says so in its report and does not end the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.answers import Draft, EarlierAnswer, TaskBrief, TaskReport
from contracts.content import Reference
from contracts.passages import Query
from contracts.plans import Task
from contracts.steps import EXECUTE_TASK, RETRIEVE_PASSAGES
from orchestrators.flow import StepFailed, Strand
from orchestrators.revise import revise_until_good
from orchestrators.run import Run


@dataclass(frozen=True)
class Performed:
    """What a task leaves to those that depend on it: passages (retriever), a draft (executor), or neither."""

    task: Task
    report: TaskReport
    passages: Reference | None = None
    draft: Draft | None = None

    @property
    def failed(self) -> bool:
        return self.passages is None and self.draft is None


def perform_task(run: Run, task: Task, earlier: Mapping[str, Performed]) -> Strand[Performed]:
    """Never raises `StepFailed`: a failure is a value. `earlier` holds at least what the task depends on."""
    inputs = [earlier[name] for name in task.depends_on]
    if inputs and all(each.failed for each in inputs):
        names = ", ".join(each.task.id for each in inputs)
        return Performed(task, run.report(task.id, state="skipped", reason=f"needs {names}, which failed"))
    run.report(task.id, state="running")
    try:
        if task.type == "retriever":
            passages = yield from _retrieve(run, task)
            return Performed(task, run.report(task.id, state="done"), passages=passages)
        return (yield from _execute(run, task, inputs))
    except StepFailed as failure:
        return Performed(task, run.report(task.id, state="failed", reason=str(failure)))


def _retrieve(run: Run, task: Task) -> Strand[Reference]:
    found = yield from run.step(
        RETRIEVE_PASSAGES, Query(owner=run.goal.owner, text=task.instruction, also=task.queries, scope=run.goal.scope)
    )
    return found.passages


def _execute(run: Run, task: Task, inputs: list[Performed]) -> Strand[Performed]:
    passages = [each.passages for each in inputs if each.passages is not None]
    if not passages:
        passages = [(yield from _retrieve(run, task))]
    answers = tuple(
        EarlierAnswer(task=each.task.id, instruction=each.task.instruction, answer=each.draft.answer)
        for each in inputs
        if each.draft is not None
    )

    def write(previous: Draft | None, changes: str, revision: int) -> Strand[Draft]:
        if revision:
            run.report(task.id, state="revising", revisions=revision)
        brief = TaskBrief(
            goal=run.goal.text,
            instruction=task.instruction,
            passages=tuple(passages),
            earlier=answers,
            previous=previous,
            changes=changes,
        )
        return (yield from run.step(EXECUTE_TASK, brief))

    judged = yield from revise_until_good(run, task.instruction, write)
    report = run.report(task.id, state="done", verdict=judged.verdict)
    return Performed(task, report, draft=judged.draft)
