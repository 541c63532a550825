"""The answer of a run: written from the results of the tasks, judged, revised, and approved if people want to."""

from collections.abc import Mapping

from murmuration.contracts.answers import Answer, AnswerBrief, Draft, FailedTask, TaskAnswer
from murmuration.contracts.plans import Plan
from murmuration.contracts.steps import WRITE_ANSWER
from murmuration.policy.answer_text import answer_context
from orchestrators.approval.ask_people import ask_people, refused
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.refine import Criteria, refine
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import TaskResult


async def write_answer(
    run: Run, plan: Plan, performed: Mapping[str, TaskResult], previous: Draft | None = None, changes: str = ""
) -> Answer:
    """Also the run's answer, with its verdict; raises `RunFailed` when there is nothing to write from.

    `previous` and `changes`: a draft that is to be revised first, and how.
    """
    run.set_stage("writing")
    results, failed = _sorted_out(plan, performed)
    if not results:
        reasons = "; ".join(f"{task.task}: {task.reason}" for task in failed)
        raise RunFailed("no_task_succeeded", f"no task of the plan produced an answer ({reasons})")

    async def write(draft: Draft | None, wish: str, revision: int) -> Answer:
        run.revisions += revision > 0
        brief = AnswerBrief(
            goal=run.goal.text,
            session=run.goal.session,
            results=results,
            failed=failed,
            previous=draft or previous,
            changes=wish or changes,
            wishes=run.wishes,
        )
        written = await run.step(WRITE_ANSWER, brief)
        missing = dict.fromkeys((*written.missing, *(task.instruction for task in failed)))
        written = written.model_copy(update={"missing": tuple(missing)})
        run.answer = run.answer or written  # what there is, should the budget end the run before a verdict
        return written

    judged = await refine(run, Criteria(run.goal.text, rules=run.goal.options.rules, failed=failed), write)
    run.answer, run.verdict = judged.draft, judged.verdict
    return judged.draft


async def approve_answer(run: Run, plan: Plan, performed: Mapping[str, TaskResult], answer: Answer) -> Answer:
    """The answer that may go out, which people may have had revised; raises `RunFailed` when there is none."""
    passed = run.verdict is not None and run.verdict.passed
    if not passed and run.verdict is not None and run.goal.options.on_exhausted == "fail":
        reasons = "; ".join(run.verdict.reasons)
        raise RunFailed("revision_exhausted", f"no answer passed after {run.revisions} revisions: {reasons}")
    asked_when_exhausted = not passed and run.goal.options.on_exhausted == "ask_person"
    if not run.needs_approval_of("answer") and not asked_when_exhausted:
        return answer
    run.answer_hidden = True
    for revisions_left in reversed(range(run.goal.options.revision_limit + 1)):
        title = "Answer" if passed else "Answer that has not passed its evaluation"
        details = answer_context(run.goal.text, answer, run.verdict)
        decision = await ask_people(run, title, answer.answer, details, may_revise=revisions_left > 0)
        if decision.state == "approved":
            run.answer_hidden = False
            return answer
        if decision.state == "rejected" or not revisions_left:
            break
        run.revisions += 1
        answer = await write_answer(run, plan, performed, answer, decision.comment)
        passed = run.verdict is not None and run.verdict.passed
    raise refused("answer_rejected", "the answer was rejected", decision)


def _sorted_out(
    plan: Plan, performed: Mapping[str, TaskResult]
) -> tuple[tuple[TaskAnswer, ...], tuple[FailedTask, ...]]:
    """Sort out what the writer works from: the answers, and everything that was lost, in the order of the plan."""
    results = tuple(answer for task in plan.tasks for answer in performed[task.id].answers)
    lost = dict.fromkeys(part for task in plan.tasks for part in performed[task.id].lost)
    return results, tuple(lost)
