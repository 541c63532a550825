"""Achieve a goal: recall -> plan -> tasks, each as soon as its inputs are ready -> answer -> approve -> remember.

Replayed from history after every step: it may read only its input, the context, and what steps return.
"""

from murmuration.contracts.answers import Answer, Outcome, Problem
from murmuration.contracts.goals import Goal
from murmuration.durable.context import Context, read_input
from murmuration.durable.flow import StepFailed, Strand, before_waiting
from murmuration.durable.registry import workflow
from orchestrators.admission.slots import with_slot
from orchestrators.goal.answering import approve_answer, write_answer
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.memory import append_turn, recall, remember
from orchestrators.goal.planning import another_plan, first_plan, why_another, work
from orchestrators.goal.run import BudgetExceeded, Run


@workflow
def achieve_goal(context: Context) -> Strand[Outcome]:
    """Work on a `Goal` as soon as the tenant has a free slot for its run."""
    run = Run(context, read_input(context, Goal))
    before_waiting(context, run.publish)
    return (yield from with_slot(run, _achieve(run)))


def _achieve(run: Run) -> Strand[Outcome]:
    try:
        run.notes = yield from recall(run)
        answer = yield from _answer(run)
        yield from remember(run, answer)
        yield from append_turn(run, answer)
    except RunFailed as end:
        return run.outcome(Problem(code=end.code, message=str(end)))
    except BudgetExceeded as end:
        return run.outcome(Problem(code="budget_exceeded", message=str(end)))
    except StepFailed as end:
        return run.outcome(Problem(code=end.code, message=end.message))
    return run.outcome()


def _answer(run: Run) -> Strand[Answer]:
    """Plan, work, write; with another plan when this one did not do, keeping what is done; until people approve."""
    plan = yield from first_plan(run)
    performed = yield from work(run, plan, {})
    while (reason := why_another(plan, performed)) and run.may_plan_again:
        replaced = yield from another_plan(run, plan, performed, reason)
        if replaced is None:
            break
        plan = replaced
        performed = yield from work(run, plan, performed)
    answer = yield from write_answer(run, plan, performed)
    verdict = run.verdict
    if verdict is not None and verdict.plan_wrong and not verdict.passed and run.may_plan_again:
        reason = "; ".join(("the answer that came of it misses the goal", *verdict.reasons))
        replaced = yield from another_plan(run, plan, performed, reason)
        if replaced is not None:
            plan, performed = replaced, (yield from work(run, replaced, performed))
            another = yield from write_answer(run, plan, performed)
            if run.verdict is not None and run.verdict.score < verdict.score:
                run.answer, run.verdict = answer, verdict
            else:
                answer = another
    return (yield from approve_answer(run, plan, performed, answer))
