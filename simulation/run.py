"""One simulated goal: the real orchestrators in a simulated world, from its seed to what broke."""

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
from simulation.faults import Faults
from simulation.goals import random_goal
from simulation.people import People
from simulation.properties import RUN, Seen, violations
from simulation.virtual_host import Broken, VirtualHost
from simulation.world import World

HANDLES = {each.__name__: df.Orchestrator.create(each) for each in (achieve_goal, approval_gate)}
FAULT_RATE = 0.15
"""Of the times that a step is performed."""
RESTART_RATE = 0.1
"""Of the episodes."""


@dataclass(frozen=True)
class Plant:
    """A bug for a checker to catch: of property `number`."""

    number: int
    what: str
    goal: Callable[[Goal], Goal] = lambda goal: goal
    """What the run is given instead of what was declared."""
    world: type[World] = World
    host: type[VirtualHost] = VirtualHost
    patches: dict[str, Any] = field(default_factory=dict)
    """By dotted name, what stands in its place."""
    fault_rate: float = FAULT_RATE
    """Higher where the bug shows only after a fault."""


SOUND = Plant(0, "nothing")


@dataclass
class Report:
    broken: list[tuple[int, str]]
    """The numbers of the properties, and what was seen."""
    outputs: dict[str, Any]
    faults: Counter[str]
    episodes: int
    gates: int


def quiet() -> None:
    """What the SDK warns of, of events that come before their wait; and nothing here makes cycles worth collecting."""
    warnings.filterwarnings("ignore", "Potential duplicate Task completion", UserWarning)
    warnings.filterwarnings("ignore", "azure.functions df_loads was called", DeprecationWarning)
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def simulated(seed: str, plant: Plant = SOUND, *, restarts: bool = True) -> Report:
    """`seed` decides everything. Without `restarts` all else happens as with them."""
    faults = Faults(seed, plant.fault_rate, RESTART_RATE if restarts else 0)
    people = People(plant.world(faults))
    host = people.host = plant.host(HANDLES, people, faults)
    goal = random_goal(faults.of("goal"))
    broken: list[tuple[int, str]] = []
    with ExitStack() as patched:
        for name, instead in plant.patches.items():
            patched.enter_context(patch(name, instead))
        host.start("achieve_goal", RUN, plant.goal(goal).model_dump(mode="json"))
        try:
            host.run()
        except Broken as problem:
            broken.append((problem.number, str(problem)))
    if not broken:
        broken += violations(Seen(goal, host, people))
    outputs = {instance.id: instance.output for instance in host.instances.values()}
    episodes = sum(instance.episodes for instance in host.instances.values())
    return Report(broken, outputs, faults.injected, episodes, len(host.instances) - 1)


def outlives_restarts(seed: str) -> Report:
    """The same goal with and without restarts of the host: property 1 wants the same outcome."""
    report = simulated(seed)
    if not report.broken and simulated(seed, restarts=False).outputs != report.outputs:
        report.broken.append((1, "without restarts of the host the outcome is another"))
    return report
