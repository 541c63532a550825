"""Bugs that the checkers of the simulation must catch: planted into a run of its own, and nowhere else."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from loopback.functions import protocol as wire
from murmuration.contracts.answers import FailedTask, TaskAnswer
from murmuration.contracts.approvals import Vote
from murmuration.contracts.goals import Budget, Goal
from murmuration.contracts.memories import Note, RecallRequest
from murmuration.contracts.plans import Plan, Planned
from murmuration.contracts.steps import RECALL_MEMORY
from murmuration.durable.flow import Strand
from murmuration.policy.gates import panels_of
from murmuration.policy.links import sign
from murmuration.policy.memories import memory_id
from orchestrators.goal import answering, run
from orchestrators.goal.task_result import TaskResult
from simulation.run import Plant, simulated
from simulation.virtual_host import Instance, VirtualHost
from simulation.world import Reply, World

MAX_TRIES = 400
_COUNT = itertools.count()


class ForgetfulHost(VirtualHost):
    def restart(self, instance: Instance) -> None:
        super().restart(instance)
        results = [event for event in instance.history if event["EventType"] == wire.TASK_COMPLETED]
        instance.history = [event for event in instance.history if event not in results[-1:]]


class DoublingWorld(World):
    """A memory has a new key each time it is written."""

    row_id = staticmethod(lambda *parts: f"{memory_id(*parts)}-{next(_COUNT)}")


class TalkativeWorld(World):
    """A message that is sent again holds another link."""

    link = staticmethod(lambda secret, claims: f"{sign(secret, claims)}-{next(_COUNT)}")


class TrustingWorld(World):
    checks_seals = False


class LaxWorld(World):
    plans_by_rule = False
    spoilt_plans = 0.6


class TalkativeHistory(World):
    inlines_large = True


class Undecided(World):
    def _plan_goal(self, _: Any) -> Reply:
        return Planned(rejected="not good enough", code="unusable_plan")


def _recalls_otherwise(of: run.Run) -> Strand[tuple[Note, ...]]:
    """Asks with other words in each replay."""
    asked = RecallRequest(owner=of.goal.owner, goal=f"{of.goal.text} {next(_COUNT)}")
    return (yield from of.step(RECALL_MEMORY, asked)).notes


_STATUS = run.status


def _shows_otherwise(*shown: Any) -> dict[str, Any]:
    return {**_STATUS(*shown), "looked": next(_COUNT)}


_SORTED_OUT = answering._sorted_out


def _loses_one(
    plan: Plan, performed: Mapping[str, TaskResult]
) -> tuple[tuple[TaskAnswer, ...], tuple[FailedTask, ...]]:
    results, failed = _SORTED_OUT(plan, performed)
    return (results[:-1] if len(results) > 1 else results), failed


def _believes(event: Any, *_: Any) -> Vote:
    """Whatever it is about."""
    return Vote.model_validate(json.loads(event) if isinstance(event, str) else event)


def _bars_nobody(rules: Any, _: str) -> Any:
    return panels_of(rules, "")


def _options(**changed: Any) -> Any:
    def given(goal: Goal) -> Goal:
        return goal.model_copy(update={"options": goal.options.model_copy(update=changed)})

    return given


def _more_at_once(goal: Goal) -> Goal:
    return _options(concurrency=goal.options.concurrency + 3)(goal)  # type: ignore[no-any-return]


PLANTS: tuple[Plant, ...] = (
    Plant(1, "a restart loses the last result", host=ForgetfulHost),
    Plant(
        2,
        "a step is asked otherwise in a replay",
        patches={"orchestrators.goal.achieve_goal.recall": _recalls_otherwise},
    ),
    Plant(3, "two replays show something else", patches={"orchestrators.goal.run.status": _shows_otherwise}),
    Plant(5, "a memory that is written again is another", world=DoublingWorld, fault_rate=0.5),
    Plant(5, "a message that is sent again is another", world=TalkativeWorld, fault_rate=0.5),
    Plant(
        6,
        "events that are about something else count",
        patches={"murmuration.approval.collect_votes.read_vote": _believes},
    ),
    Plant(8, "Retry-After is not obeyed", patches={"murmuration.durable.calls._pause": lambda *_: 0.5}),
    Plant(9, "an answer of a task is lost", patches={"orchestrators.goal.answering._sorted_out": _loses_one}),
    Plant(10, "more tasks at once than allowed", goal=_more_at_once),
    Plant(11, "plans are not checked", world=LaxWorld),
    Plant(12, "the budget is not looked at", goal=_options(budget=Budget())),
    Plant(
        13,
        "a planner is asked without end",
        world=Undecided,
        patches={"orchestrators.goal.planning.PLANS_ASKED_FOR": 1_000_000, "simulation.virtual_host.MAX_EPISODES": 60},
    ),
    Plant(14, "large texts travel in history", world=TalkativeHistory),
    Plant(25, "nobody is asked for approval", goal=_options(approval=None, on_exhausted="accept_best")),
    Plant(26, "seals are not checked", world=TrustingWorld),
    Plant(27, "the requester may approve", patches={"murmuration.approval.approval_gate.panels_of": _bars_nobody}),
)


def caught(plant: Plant) -> int | None:
    """The number of the first run in which the checker of the plant's property finds it; None: in no run."""
    return next(_finds(plant), None)


def _finds(plant: Plant) -> Iterator[int]:
    for number in range(MAX_TRIES):
        if any(found == plant.number for found, _ in simulated(f"planted/{number}", plant).broken):
            yield number
