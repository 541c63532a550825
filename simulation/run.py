"""One simulated goal, from its seed to the properties that it broke: the real orchestrators in a simulated world."""

import gc
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import azure.durable_functions as df

from murmuration.approval.approval_gate import approval_gate
from murmuration.contracts.goals import Goal
from orchestrators.goal.achieve_goal import achieve_goal
from simulation.ended_goal import RUN, EndedGoal
from simulation.faults import Faults, FaultyWorkers
from simulation.goals import random_goal
from simulation.people import People
from simulation.properties import check_properties
from simulation.virtual_host import Violation, VirtualHost
from simulation.world import World

HANDLES = {
    orchestrator.__name__: df.Orchestrator.create(orchestrator) for orchestrator in (achieve_goal, approval_gate)
}
FAULT_RATE = 0.15
"""The share of a step's deliveries that suffer a fault."""
RESTART_RATE = 0.1
"""The share of episodes in which the host dies."""
MAX_EPISODES = 200


@dataclass(frozen=True)
class PlantedBug:
    """A bug that the checker of property `number` must catch."""

    number: int
    what: str
    goal: Callable[[Goal], Goal] = lambda goal: goal
    """Makes the goal that the run gets from the one that was declared."""
    world: type[World] = World
    host: type[VirtualHost] = VirtualHost
    patches: dict[str, Any] = field(default_factory=dict)
    """Replacements by dotted name."""
    fault_rate: float = FAULT_RATE
    """Higher where the bug shows only after a fault."""
    max_episodes: int = MAX_EPISODES


NO_BUG = PlantedBug(0, "none")


@dataclass
class Report:
    violations: list[tuple[int, str]]
    """The numbers of the broken properties, and what was seen."""
    outputs: dict[str, Any]
    """The output of every instance, by its id."""
    faults: Counter[str]
    episodes: int
    gates: int


def quiet() -> None:
    """Silence the SDK's warnings of early events, and collect garbage rarely: nothing here makes many cycles."""
    warnings.filterwarnings("ignore", "Potential duplicate Task completion", UserWarning)
    warnings.filterwarnings("ignore", "azure.functions df_loads was called", DeprecationWarning)
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def simulate_goal(seed: str, bug: PlantedBug = NO_BUG, *, restarts: bool = True) -> Report:
    """Run a random goal under faults, and check what it leaves. `seed` decides everything.

    Without `restarts` everything else happens as with them.
    """
    faults = Faults(seed, bug.fault_rate, RESTART_RATE if restarts else 0)
    world = bug.world(faults)
    host = bug.host(HANDLES, FaultyWorkers(world, faults), restarts=faults.restart, max_episodes=bug.max_episodes)
    people = People(host, faults)
    goal = random_goal(faults.draw("goal"))
    violations: list[tuple[int, str]] = []
    with ExitStack() as patches:
        for name, replacement in bug.patches.items():
            patches.enter_context(patch(name, replacement))
        host.start("achieve_goal", RUN, bug.goal(goal).model_dump(mode="json"))
        try:
            host.run()
        except Violation as problem:
            violations.append((problem.number, str(problem)))
    if not violations:
        violations += check_properties(EndedGoal(goal, host, world, people))
    outputs = {instance.id: instance.output for instance in host.instances.values()}
    episodes = sum(instance.episodes for instance in host.instances.values())
    return Report(violations, outputs, faults.injected, episodes, len(host.instances) - 1)


def simulate_without_restarts_too(seed: str) -> Report:
    """Run the goal with and without restarts of the host: by property 1 the outcome must be the same."""
    report = simulate_goal(seed)
    if not report.violations and simulate_goal(seed, restarts=False).outputs != report.outputs:
        report.violations.append((1, "without restarts of the host the outcome is another"))
    return report
