"""A simulated goal at its end: all that the checkers look at."""

from dataclasses import dataclass

from murmuration.contracts.answers import Outcome
from murmuration.contracts.goals import Goal
from murmuration.contracts.plans import Plan
from simulation.gates import DecidedGate, decided_gates
from simulation.people import People
from simulation.records import ScheduledStep
from simulation.virtual_host import VirtualHost
from simulation.world import World

RUN = "t-run"


@dataclass
class EndedGoal:
    """A simulated goal at its end. `goal` is what was declared, even if a planted bug ran another."""

    goal: Goal
    host: VirtualHost
    world: World
    people: People

    @property
    def outcome(self) -> Outcome | None:
        """None when the run has none, which breaks property 13."""
        output = self.host.instances[RUN].output
        return Outcome.model_validate(output) if output else None

    @property
    def steps(self) -> list[ScheduledStep]:
        """The steps of the run itself, without those of its gates."""
        return [step for step in self.host.steps if step.instance == RUN]

    @property
    def plans(self) -> list[Plan]:
        """The planner's plans and the caller's own."""
        return [*self.world.plans, *([self.goal.plan] if self.goal.plan else [])]

    @property
    def gates(self) -> list[DecidedGate]:
        return decided_gates(self.host, self.people)
