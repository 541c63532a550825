"""The graph of tasks: on the real SDK, under the real host's replay rules, it is an ideal eager scheduler."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import Done, Failed, Step
from murmuration.durable.calls import call
from murmuration.durable.errors import StepFailed
from murmuration.durable.graph import run_graph
from murmuration.durable.workflow import Flow
from simulation.scripted import Trace
from tests.durable.running import run as run_workflow


class Work(Contract):
    task: str
    step: int


WORK = Step("work", Work, Work, attempts=3, timeout_seconds=10)


@dataclass(frozen=True)
class Graph:
    """Tasks t0, t1, …: the whole seconds of each one's steps, and which tasks it needs."""

    steps: tuple[tuple[int, ...], ...]
    needs: tuple[tuple[int, ...], ...]
    cap: int
    broken: frozenset[int]
    """Tasks whose last step fails."""


@st.composite
def graphs(draw: st.DrawFn, longest: int = 9) -> Graph:
    count = draw(st.integers(1, 12))
    durations = st.lists(st.integers(1, longest), min_size=1, max_size=3).map(tuple)
    steps = tuple(draw(durations) for _ in range(count))
    needs = tuple(
        tuple(sorted(draw(st.sets(st.integers(0, task - 1), max_size=3)))) if task else () for task in range(count)
    )
    broken = draw(st.frozensets(st.integers(0, count - 1), max_size=3))
    return Graph(steps, needs, draw(st.integers(1, count + 1)), broken)


def run(graph: Graph) -> Trace:
    inputs = {f"t{task}": [f"t{needed}" for needed in needs] for task, needs in enumerate(graph.needs)}

    async def workflow(flow: Flow) -> Any:
        slots = asyncio.Semaphore(graph.cap)

        async def perform(name: str, results: Mapping[str, str]) -> str:
            assert list(results) == inputs[name], "a task started before its inputs"
            async with slots:
                try:
                    for step in range(len(graph.steps[int(name[1:])])):
                        await call(flow, WORK, Work(task=name, step=step))
                except StepFailed as failure:
                    return f"{name} {failure.code}"
                return f"{name} done"

        return await run_graph(inputs, perform, {})

    def activity(_: str, message: Any) -> tuple[float, Any]:
        work = Work.model_validate(message["value"])
        number = int(work.task[1:])
        seconds = graph.steps[number][work.step]
        last = work.step == len(graph.steps[number]) - 1
        if number in graph.broken and last:
            return seconds, Failed(code="broken", message="on purpose").model_dump(mode="json")
        return seconds, Done(value=work.model_dump()).model_dump(mode="json")

    return run_workflow(workflow, activity=activity)


def ideal(graph: Graph) -> tuple[dict[str, int], int]:
    """When each task starts, and when all have ended, if every task starts the moment it may, in order of readiness.

    Of two that end, or get ready, at one moment either may be taken first; such graphs are left out.
    """
    ends: dict[int, int] = {}
    starts: dict[int, int] = {}
    queue: list[int] = []
    now = 0
    while len(ends) < len(graph.steps) or any(end > now for end in ends.values()):
        running = [task for task, end in ends.items() if end > now]
        ready = [
            task
            for task in range(len(graph.steps))
            if task not in starts
            and task not in queue
            and all(needed in ends and ends[needed] <= now for needed in graph.needs[task])
        ]
        assume(now == 0 or len(ready) <= 1)
        queue += ready
        for task in queue[: graph.cap - len(running)]:
            queue.remove(task)
            starts[task] = now
            ends[task] = now + sum(graph.steps[task])
        now = min(end for end in ends.values() if end > now)
    assume(len(set(ends.values())) == len(ends))
    return {f"t{task}": start for task, start in starts.items()}, now


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_slot_stays_empty_while_a_task_is_ready(graph: Graph) -> None:
    trace = run(graph)

    steps = {f"t{number}": len(step) for number, step in enumerate(graph.steps)}
    starts = {message["value"]["task"]: at for at, _, message in trace.started if message["value"]["step"] == 0}
    ends = {
        message["value"]["task"]: at
        for at, _, message in trace.ended
        if message["value"]["step"] + 1 == steps[message["value"]["task"]]
    }
    for moment in set(ends.values()):
        under_way = [name for name, start in starts.items() if start <= moment < ends[name]]
        late = [
            name
            for name, start in starts.items()
            if start > moment and all(ends[f"t{needed}"] <= moment for needed in graph.needs[int(name[1:])])
        ]
        assert len(under_way) == graph.cap or not late


@settings(max_examples=60, deadline=None)
@given(graphs(longest=100_000))
def test_a_graph_runs_as_an_ideal_eager_scheduler_would_run_it(graph: Graph) -> None:
    trace = run(graph)
    starts, end = ideal(graph)

    began: dict[str, float] = {}
    for seconds, _, message in trace.started:
        began.setdefault(message["value"]["task"], seconds)
    assert began == starts
    assert trace.seconds == end
    expected = [f"t{task} {'broken' if task in graph.broken else 'done'}" for task in range(len(graph.steps))]
    assert list(trace.output.values()) == expected, "results come in the order of the plan, failures among them"


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_the_cap_is_never_exceeded(graph: Graph) -> None:
    trace = run(graph)

    changes = [(seconds, 1) for seconds, *_ in trace.started] + [(seconds, -1) for seconds, *_ in trace.ended]
    under_way = 0
    for _, change in sorted(changes):
        under_way += change
        assert under_way <= graph.cap


@settings(max_examples=20, deadline=None)
@given(graphs())
def test_two_replays_of_one_run_are_the_same(graph: Graph) -> None:
    assert run(graph).history == run(graph).history


def test_one_that_raises_cancels_the_others_and_raises_itself() -> None:
    async def workflow(flow: Flow) -> Any:
        async def perform(name: str, _: Mapping[str, None]) -> None:
            await flow.activity("wait", 5 if name == "slow" else 1)
            if name == "fails":
                raise ValueError("broke")

        try:
            await run_graph({"slow": [], "fails": [], "after": ["slow"]}, perform, {})
        except ValueError as error:
            return [str(error), flow.now.second]

    assert run_workflow(workflow).output == ["broke", 1]
