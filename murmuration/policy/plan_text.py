"""A plan as text for the people who approve it."""

from collections.abc import Iterator

from murmuration.contracts.plans import Plan, Task


def plan_text(goal: str, plan: Plan) -> str:
    """Write the goal, and a paragraph for each task with everything that decides how it is done."""
    return "\n\n".join((f"Goal: {goal}", *("\n".join(_lines(task)) for task in plan.tasks)))


def _lines(task: Task) -> Iterator[str]:
    yield f"{task.id} ({task.type if task.type == 'retriever' else task.agent}): {task.instruction}"
    if task.depends_on:
        yield f"  after {', '.join(task.depends_on)}"
    if task.queries:
        yield f"  also searched for: {'; '.join(task.queries)}"
    if task.for_each:
        yield f"  for each item of {task.for_each}"
    if task.when:
        yield f"  only if {task.when.task}.{task.when.field} {task.when.op} {task.when.value!r}"
    if task.timeout_seconds:
        yield f"  within {task.timeout_seconds} s"
    if task.on_failure == "fail_run":
        yield "  if it fails, the run fails"
    if task.fallback:
        yield f"  if it fails: {task.fallback.agent or repr(task.fallback.answer)}"
