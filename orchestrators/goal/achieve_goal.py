"""Achieve a goal: recall -> plan -> tasks, each as soon as its inputs are ready -> answer -> approve -> remember.

Replayed from history after every step: it may read only its input, the flow, and what steps return.
"""

from murmuration.contracts.answers import Answer, Outcome, Problem
from murmuration.contracts.goals import Goal
from murmuration.durable.errors import StepFailed
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow
from orchestrators.admission.slots import with_slot
from orchestrators.goal.answering import approve_answer, write_answer
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.memory import append_turn, recall, remember
from orchestrators.goal.planning import another_plan, first_plan, why_another, work
from orchestrators.goal.run import BudgetExceeded, Run


@workflow
async def achieve_goal(flow: Flow, goal: Goal) -> Outcome:
    """Work on a goal as soon as the tenant has a free slot for its run."""
    run = Run(flow, goal)
    flow.on_wait(run.publish)
    return await with_slot(run, _achieve(run))


async def _achieve(run: Run) -> Outcome:
    try:
        run.notes = await recall(run)
        answer = await _answer(run)
        await remember(run, answer)
        await append_turn(run, answer)
    except RunFailed as end:
        return run.outcome(Problem(code=end.code, message=str(end)))
    except BudgetExceeded as end:
        return run.outcome(Problem(code="budget_exceeded", message=str(end)))
    except StepFailed as end:
        return run.outcome(Problem(code=end.code, message=end.message))
    return run.outcome()


async def _answer(run: Run) -> Answer:
    """Plan, work, write; with another plan when this one did not do, keeping what is done; until people approve."""
    plan = await first_plan(run)
    performed = await work(run, plan, {})
    while (reason := why_another(plan, performed)) and run.may_plan_again:
        replaced = await another_plan(run, plan, performed, reason)
        if replaced is None:
            break
        plan = replaced
        performed = await work(run, plan, performed)
    answer = await write_answer(run, plan, performed)
    verdict = run.verdict
    if verdict is not None and verdict.plan_wrong and not verdict.passed and run.may_plan_again:
        reason = "; ".join(("the answer that came of it misses the goal", *verdict.reasons))
        replaced = await another_plan(run, plan, performed, reason)
        if replaced is not None:
            plan, performed = replaced, (await work(run, replaced, performed))
            another = await write_answer(run, plan, performed)
            if run.verdict is not None and run.verdict.score < verdict.score:
                run.answer, run.verdict = answer, verdict
            else:
                answer = another
    return await approve_answer(run, plan, performed, answer)
