"""Bugs that the checkers of the simulation must catch, each planted into runs of its own and nowhere else."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from loopback.functions import protocol as wire
from murmuration.contracts.answers import AnswerBrief, Evaluation, FailedTask, TaskAnswer
from murmuration.contracts.approvals import Choice, Vote
from murmuration.contracts.goals import Budget, Goal
from murmuration.contracts.memories import Note, RecallRequest
from murmuration.contracts.plans import Plan, PlanBrief, Planned, Task
from murmuration.contracts.steps import RECALL_MEMORY
from murmuration.policy.gates import panels_of
from murmuration.policy.links import sign_link
from murmuration.policy.memories import memory_id
from orchestrators.goal import answering, perform_task
from orchestrators.goal.run import Run
from orchestrators.goal.skip_task import skip, skipped_task
from orchestrators.goal.status import status
from orchestrators.goal.task_result import TaskResult
from simulation.records import Instance
from simulation.run import PlantedBug, simulate_goal
from simulation.virtual_host import VirtualHost
from simulation.world import Reply, World

MAX_TRIES = 400
_COUNT = itertools.count()


class ForgetfulHost(VirtualHost):
    def restart(self, instance: Instance) -> None:
        super().restart(instance)
        results = [event for event in instance.history if event["EventType"] == wire.TASK_COMPLETED]
        instance.history = [event for event in instance.history if event not in results[-1:]]


class DuplicatingWorld(World):
    """A world in which a memory has a new key each time it is written."""

    row_id = staticmethod(lambda *parts: f"{memory_id(*parts)}-{next(_COUNT)}")


class ChangingLinksWorld(World):
    """A world in which a message that is sent again holds another link."""

    link = staticmethod(lambda secret, claims: f"{sign_link(secret, claims)}-{next(_COUNT)}")


class TrustingWorld(World):
    verifies_votes = False


class UncheckedPlansWorld(World):
    checks_plans = False
    spoilt_plans = 0.6


class LargeHistoryWorld(World):
    inlines_large_texts = True


class IndecisiveWorld(World):
    """A world in which no plan is ever good enough."""

    def _plan_goal(self, _: Any) -> Reply:
        return Planned(rejected="not good enough", code="unusable_plan")


async def _recall_in_other_words(of: Run) -> tuple[Note, ...]:
    """Recall with another input in each replay."""
    request = RecallRequest(owner=of.goal.owner, goal=f"{of.goal.text} {next(_COUNT)}")
    return (await of.step(RECALL_MEMORY, request)).notes


_STATUS = status


def _changing_status(*arguments: Any) -> dict[str, Any]:
    return {**_STATUS(*arguments), "looked": next(_COUNT)}


_SORTED_OUT = answering._sorted_out


def _lose_one_answer(
    plan: Plan, results: Mapping[str, TaskResult]
) -> tuple[tuple[TaskAnswer, ...], tuple[FailedTask, ...]]:
    answers, failed = _SORTED_OUT(plan, results)
    return (answers[:-1] if len(answers) > 1 else answers), failed


def _read_any_vote(event: Any, *_: Any) -> Vote:
    """The vote, whatever it is about."""
    return Vote.model_validate(json.loads(event) if isinstance(event, str) else event)


def _panels_with_requester(rules: Any, _: str) -> Any:
    return panels_of(rules, "")


def _forgetful_brief(**fields: Any) -> AnswerBrief:
    """A writer's brief in which the judge's wish displaces those of people."""
    judged = fields["wishes"] and fields["changes"] != fields["wishes"][-1]
    return AnswerBrief(**{**fields, "wishes": () if judged else fields["wishes"]})


def _short_plan_brief(**fields: Any) -> PlanBrief:
    """A planner's brief with the latest wish alone."""
    return PlanBrief(**{**fields, "wishes": fields["wishes"][-1:]})


def _unjudged_wishes(**fields: Any) -> Evaluation:
    return Evaluation(**{**fields, "wishes": ()})


def _untold_judge(**fields: Any) -> Evaluation:
    return Evaluation(**{**fields, "failed": ()})


_MERGE = perform_task._merge


def _merge_without_losses(*arguments: Any) -> TaskResult:
    return replace(_MERGE(*arguments), lost=())


def _skip_when_inputs_are_empty(of: Run, task: Task, earlier: Mapping[str, TaskResult]) -> TaskResult | None:
    """Skip also a branch on a failure, because the task that failed left nothing."""
    if task.depends_on and all(earlier[name].empty for name in task.depends_on):
        return skip(of, task, "no inputs")
    return skipped_task(of, task, earlier)


def _with_options(**changes: Any) -> Any:
    def changed(goal: Goal) -> Goal:
        return goal.model_copy(update={"options": goal.options.model_copy(update=changes)})

    return changed


def _with_more_concurrency(goal: Goal) -> Goal:
    return _with_options(concurrency=goal.options.concurrency + 3)(goal)  # type: ignore[no-any-return]


PLANTED_BUGS: tuple[PlantedBug, ...] = (
    PlantedBug(1, "a restart loses the last result", host=ForgetfulHost),
    PlantedBug(
        2,
        "a step has another input in a replay",
        patches={"orchestrators.goal.achieve_goal.recall": _recall_in_other_words},
    ),
    PlantedBug(
        3, "two replays publish different statuses", patches={"orchestrators.goal.run.status": _changing_status}
    ),
    PlantedBug(5, "a memory that is written again is another", world=DuplicatingWorld, fault_rate=0.5),
    PlantedBug(5, "a message that is sent again is another", world=ChangingLinksWorld, fault_rate=0.5),
    PlantedBug(
        6,
        "votes on something else count",
        patches={"murmuration.approval.collect_votes.read_vote": _read_any_vote},
    ),
    PlantedBug(8, "Retry-After is not obeyed", patches={"murmuration.durable.calls._pause": lambda *_: 0.5}),
    PlantedBug(
        9, "an answer of a task is lost", patches={"orchestrators.goal.answering._sorted_out": _lose_one_answer}
    ),
    PlantedBug(10, "more tasks run at once than allowed", goal=_with_more_concurrency),
    PlantedBug(11, "plans are not checked", world=UncheckedPlansWorld),
    PlantedBug(12, "the budget is ignored", goal=_with_options(budget=Budget())),
    PlantedBug(
        13,
        "the planner is called without end",
        world=IndecisiveWorld,
        patches={"orchestrators.goal.planning.PLANS_ASKED_FOR": 1_000_000},
        max_episodes=60,
    ),
    PlantedBug(14, "large texts travel in history", world=LargeHistoryWorld),
    PlantedBug(25, "nobody is asked for approval", goal=_with_options(approval=None, on_exhausted="accept_best")),
    PlantedBug(26, "signatures are not verified", world=TrustingWorld),
    PlantedBug(
        27,
        "the requester may approve",
        patches={"murmuration.approval.approval_gate.panels_of": _panels_with_requester},
    ),
    PlantedBug(
        28,
        "a wish of the judge displaces one of people",
        patches={"orchestrators.goal.answering.AnswerBrief": _forgetful_brief},
    ),
    PlantedBug(
        28, "the planner forgets older wishes", patches={"orchestrators.goal.planning.PlanBrief": _short_plan_brief}
    ),
    PlantedBug(28, "wishes are not judged", patches={"orchestrators.goal.refine.Evaluation": _unjudged_wishes}),
    PlantedBug(
        28,
        "a revision is offered that can't be made",
        patches={"murmuration.contracts.approvals.ApprovalRequest.choices": get_args(Choice)},
    ),
    PlantedBug(29, "refused items vanish", patches={"orchestrators.goal.perform_task._merge": _merge_without_losses}),
    PlantedBug(
        29, "items that were cut vanish", patches={"orchestrators.goal.perform_task._lost_items": lambda *_: ()}
    ),
    PlantedBug(29, "the judge is not told", patches={"orchestrators.goal.refine.Evaluation": _untold_judge}),
    PlantedBug(
        30,
        "a branch on a failure never runs",
        patches={"orchestrators.goal.perform_task.skipped_task": _skip_when_inputs_are_empty},
    ),
)


def first_catch(bug: PlantedBug) -> int | None:
    """The number of the first run in which the checker of the bug's property finds it; None when none does."""
    for number in range(MAX_TRIES):
        violations = simulate_goal(f"planted/{number}", bug).violations
        if any(property_number == bug.number for property_number, _ in violations):
            return number
    return None
