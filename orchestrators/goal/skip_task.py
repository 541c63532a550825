"""Skip a task of a plan: because its inputs left nothing, or because its condition does not hold."""

from collections.abc import Mapping, Sequence

from murmuration.contracts.answers import FailedTask
from murmuration.contracts.plans import Task
from murmuration.policy.conditions import holds
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import TaskResult


def skipped_task(run: Run, task: Task, earlier: Mapping[str, TaskResult]) -> TaskResult | None:
    """The result of a task that is skipped; None when it is to be performed.

    A condition on a state decides for itself: the task that it tests may have failed, or have left nothing.
    """
    when = task.when
    on_state = when is not None and when.field == "state"
    needed = [earlier[name] for name in task.depends_on if not (on_state and when is not None and name == when.task)]
    if needed and all(result.empty for result in needed):
        return _skip_without(run, task, needed)
    if task.for_each is not None and earlier[task.for_each].empty:
        return _skip_without(run, task, [earlier[task.for_each]])
    if when is None:
        return None
    tested = earlier[when.task]
    if tested.empty and not on_state:
        return _skip_without(run, task, [tested])
    what = f"{when.task}.{when.field}"
    if when.field == "answer" and any(answer.draft.answer.reference for answer in tested.answers):
        return skip(run, task, f"{what} is too long to be compared", lost=True)
    if holds(when, tested.condition_values):
        return None
    return skip(run, task, f"{what} {when.op} {when.value!r} does not hold")


def _skip_without(run: Run, task: Task, inputs: Sequence[TaskResult]) -> TaskResult:
    """Skip the task for want of inputs: it is lost when one of them is, and left out when conditions left them out."""
    names = ", ".join(result.task.id for result in inputs)
    why = "failed" if any(result.failed for result in inputs) else "left nothing"
    return skip(run, task, f"needs {names}, which {why}", lost=any(result.lost for result in inputs))


def skip(run: Run, task: Task, reason: str, *, lost: bool = False) -> TaskResult:
    failed = FailedTask(task=task.id, instruction=task.instruction, reason=reason)
    return TaskResult(task, run.report(task.id, state="skipped", reason=reason), lost=(failed,) if lost else ())
