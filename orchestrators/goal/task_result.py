"""The result of a task, for the tasks that depend on it."""

from collections.abc import Iterable
from dataclasses import dataclass

from murmuration.contracts.answers import FailedTask, LostItem, TaskAnswer, TaskReport
from murmuration.contracts.content import Reference
from murmuration.contracts.plans import Task
from murmuration.policy.conditions import ConditionValue

OUTAGES = frozenset(
    ("rate_limited", "model_unavailable", "model_timeout", "search_unavailable", "artifacts_unavailable", "step_broke")
)
"""Failures that another plan would meet, too."""


@dataclass(frozen=True)
class TaskResult:
    """Passages (retriever), answers (executor: one, or one for each item), or neither."""

    task: Task
    report: TaskReport
    passages: tuple[Reference, ...] = ()
    count: int = 0
    """The number of passages that a retriever has found."""
    answers: tuple[TaskAnswer, ...] = ()
    code: str = ""
    """The code of its failure."""
    lost: tuple[FailedTask, ...] = ()
    """The parts of it that are not in its answers: the whole task, or some of its items."""

    @property
    def empty(self) -> bool:
        return not self.passages and not self.answers

    @property
    def items(self) -> list[str]:
        """The items of all its answers."""
        return [item for answer in self.answers for item in answer.draft.items]

    @property
    def failed(self) -> bool:
        return self.report.state == "failed"

    @property
    def wants_another_plan(self) -> bool:
        """Whether it failed for good, and not because something was down."""
        return self.failed and self.code not in OUTAGES

    @property
    def condition_values(self) -> dict[str, ConditionValue]:
        """The values that a condition may test."""
        values: dict[str, ConditionValue] = {"state": self.report.state, "passages": self.count}
        if self.answers:
            texts = [answer.draft.answer.text or "" for answer in self.answers]
            values["answer"] = texts[0] if len(texts) == 1 else texts
            values["items"] = [item for answer in self.answers for item in answer.draft.items]
            values["missing"] = [item for answer in self.answers for item in answer.draft.missing]
        if self.report.verdict is not None:
            values |= {"score": self.report.verdict.score, "passed": self.report.verdict.passed}
        return values


def lost_parts(task: str, items: Iterable[LostItem]) -> tuple[FailedTask, ...]:
    """Report items of this task's answer that were left out or cut."""
    return tuple(FailedTask(task=task, instruction=item.item, reason=item.reason) for item in items)
