"""A world in which every step is scripted, for goals that run under the real host's replay rules."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from murmuration.contracts.answers import Answer, Citation, Draft, Outcome, Verdict
from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.goals import Goal, Options
from murmuration.contracts.memories import ExtractionResult, RecallResult, RememberResult, TurnAppended
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Retrieved
from murmuration.contracts.plans import Plan, Planned, Task
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from murmuration.contracts.usage import Usage
from orchestrators.goal.achieve_goal import achieve_goal
from simulation.scripted import Trace, simulate
from simulation.virtual_host import VERSION

REFERENCE = Reference(artifact="a/b", bytes=1)
PLAN = Plan(
    tasks=(
        Task(id="t1", type="retriever", instruction="find tea"),
        Task(id="t2", type="executor", instruction="how hot is tea?", depends_on=("t1",)),
        Task(id="t3", type="retriever", instruction="find coffee"),
        Task(id="t4", type="executor", instruction="how hot is coffee?", depends_on=("t3",)),
    )
)
GOOD = Verdict(passed=True, score=0.9)
BAD = Verdict(passed=False, score=0.3, reasons=("thin",), changes="say more")
CITATION = Citation(number=1, source="tea.md", title="Tea", quote="Tea is hot.")
USED = Usage(model_calls=1, input_tokens=90, output_tokens=10)

Reply = Contract | Done | Later | Failed | Exception


class World:
    """Answers steps by a script, or as a healthy system would. Every step takes a second."""

    def __init__(self) -> None:
        self.script: dict[str, list[Callable[[Any], Reply | None] | Reply]] = defaultdict(list)
        self.requests: dict[str, list[Any]] = defaultdict(list)

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        value = message["value"]
        self.requests[name].append(value)
        reply: Reply | None = None
        for entry in list(self.script[name]):
            reply = entry(value) if callable(entry) else entry
            if reply is not None:
                if not callable(entry):
                    self.script[name].remove(entry)
                break
        if reply is None:
            reply = self.healthy(name, len(self.requests[name]))
        if isinstance(reply, Exception):
            return 1, reply
        if not isinstance(reply, Done | Later | Failed):
            reply = Done(value=reply.model_dump(mode="json"), usage=USED, prompts={name: "1"}, models=("m",))
        return 1, reply.model_dump(mode="json")

    def healthy(self, name: str, count: int) -> Contract:
        answers: dict[str, Contract] = {
            "recall_memory": RecallResult(),
            "plan_goal": Planned(plan=PLAN),
            "retrieve_passages": Retrieved(passages=REFERENCE, count=3, mode="hybrid"),
            "ask_agent": Draft(answer=Content(text=f"draft {count} [1]"), passages=REFERENCE),
            "evaluate_result": GOOD,
            "write_answer": Answer(
                answer=Content(text=f"answer {count} [1]"), passages=REFERENCE, citations=(CITATION,)
            ),
            "extract_lessons": ExtractionResult(),
            "remember_result": RememberResult(written=1),
            "append_turn": TurnAppended(turns=1),
        }
        return answers[name]


def achieve(world: World, plan: Plan | None = None, **options: Any) -> tuple[Outcome, Trace]:
    """Run a goal with the caller's own `plan`, or with the planner's."""
    goal = Goal(
        caller=Caller(tenant="t"),
        workflow_version=VERSION,
        owner=Owner(tenant="t"),
        text="how hot?",
        plan=plan,
        metadata={"who": "me"},
        options=Options(**options),
    )
    trace = simulate(achieve_goal, goal.model_dump(mode="json"), world)
    assert trace.error is None
    return Outcome.model_validate(trace.output), trace


def states(outcome: Outcome) -> dict[str, str]:
    return {task.id: task.state for task in outcome.tasks}
