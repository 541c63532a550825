"""Waiting on the real SDK, under the real host's replay rules: the graph is an ideal eager scheduler."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import Done, Failed, Later, Step
from murmuration.contracts.usage import Usage
from murmuration.durable.calls import call
from murmuration.durable.flow import MAX_TIMER, StepFailed, Strand, conduct, sleep, wait_for
from murmuration.durable.graph import run_graph
from simulation.scripted import Trace, simulate


class Work(Contract):
    task: str
    step: int


WORK = Step("work", Work, Work, attempts=3, timeout_seconds=10)


@dataclass(frozen=True)
class Graph:
    """Tasks t0, t1, …: the duration of each step in whole seconds, and the tasks that each one needs."""

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
    names = [f"t{number}" for number in range(len(graph.steps))]
    inputs = {name: [f"t{needed}" for needed in graph.needs[number]] for number, name in enumerate(names)}

    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        def strand(name: str) -> Strand[str]:
            try:
                for step in range(len(graph.steps[int(name[1:])])):
                    yield from call(context, WORK, Work(task=name, step=step))
            except StepFailed as failure:
                return f"{name} {failure.code}"
            return f"{name} done"

        def begin(name: str, results: Mapping[str, str]) -> Strand[str]:
            assert results.keys() >= set(inputs[name]), "a task started before its inputs"
            return strand(name)

        return (yield from conduct(context, run_graph(names, inputs, begin, graph.cap)))

    def activity(_: str, message: Any) -> tuple[float, Any]:
        work = Work.model_validate(message["value"])
        number = int(work.task[1:])
        seconds = graph.steps[number][work.step]
        last = work.step == len(graph.steps[number]) - 1
        if number in graph.broken and last:
            return seconds, Failed(code="broken", message="on purpose").model_dump(mode="json")
        return seconds, Done(value=work.model_dump()).model_dump(mode="json")

    return simulate(orchestrator, {}, activity)


def ideal(graph: Graph) -> tuple[dict[str, int], int]:
    """The start of each task and the end of all, if every task starts the moment it may.

    Graphs in which two tasks end at once are left out: either may come first, and other tasks start then.
    """
    ends: dict[int, int] = {}
    starts: dict[int, int] = {}
    now = 0
    while len(ends) < len(graph.steps) or any(end > now for end in ends.values()):
        running = [task for task, end in ends.items() if end > now]
        ready = [
            task
            for task in range(len(graph.steps))
            if task not in starts and all(needed in ends and ends[needed] <= now for needed in graph.needs[task])
        ]
        for task in ready[: graph.cap - len(running)]:
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
    for end in set(ends.values()):
        under_way = [name for name, start in starts.items() if start <= end < ends[name]]
        late = [
            name
            for name, start in starts.items()
            if start > end and all(ends[f"t{needed}"] <= end for needed in graph.needs[int(name[1:])])
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


def one_call(*outcomes: Any) -> Trace:
    """Run an orchestrator with one call, whose attempts end with `outcomes`."""
    left = list(outcomes)

    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        def strand() -> Strand[Any]:
            try:
                result = yield from call(context, WORK, Work(task="t", step=1))
            except StepFailed as failure:
                return [failure.code, failure.usage.model_calls]
            return [result.value.task, result.usage.model_calls]

        return (yield from conduct(context, strand()))

    def activity(_: str, message: Any) -> tuple[float, Any]:
        outcome = left.pop(0)
        return 1, outcome if isinstance(outcome, Exception) else outcome.model_dump(mode="json")

    return simulate(orchestrator, {}, activity)


DONE = Done(value={"task": "t", "step": 1}, usage=Usage(model_calls=1))


def test_a_step_that_asks_for_a_pause_is_tried_again_after_it() -> None:
    trace = one_call(Later(code="rate_limited", seconds=17, usage=Usage(model_calls=1)), DONE)

    assert trace.output == ["t", 2], "the usage of every attempt counts"
    assert [seconds for seconds, *_ in trace.started] == [0, 18]
    assert [message["attempt"] for _, _, message in trace.started] == [1, 2]


def test_pauses_double_when_the_step_asks_for_none() -> None:
    trace = one_call(Later(code="x"), RuntimeError("worker lost"), DONE)

    assert [seconds for seconds, *_ in trace.started] == [0, 2, 5]


def test_a_step_has_no_more_attempts_than_its_row() -> None:
    trace = one_call(*[Later(code="rate_limited", usage=Usage(model_calls=1))] * 3)

    assert trace.output == ["rate_limited", 3]
    assert len(trace.started) == 3


def test_a_step_that_failed_for_good_is_not_tried_again() -> None:
    trace = one_call(Failed(code="model_refused", message="no", usage=Usage(model_calls=1)))

    assert trace.output == ["model_refused", 1]
    assert len(trace.started) == 1


def test_a_long_sleep_is_made_of_timers_the_sdk_can_cancel() -> None:
    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        yield from conduct(context, sleep(context, timedelta(days=10)))
        return "awake"

    trace = simulate(orchestrator, {}, lambda name, value: (0, None))

    assert trace.seconds == timedelta(days=10).total_seconds()
    timers = [event for event in trace.history if event["EventType"] == 10]
    assert len(timers) == 4
    assert timedelta(days=10) / 4 < MAX_TIMER


def test_a_wait_that_nobody_answers_ends_at_its_time() -> None:
    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        return [(yield from conduct(context, wait_for(context, "answer", timedelta(days=7))))]

    trace = simulate(orchestrator, {}, lambda name, value: (0, None))

    assert trace.output == [None]
    assert trace.seconds == timedelta(days=7).total_seconds()


def test_a_graph_that_cannot_end_says_so_instead_of_hanging() -> None:
    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        def begin(name: str, results: Mapping[str, None]) -> Strand[None]:
            yield from sleep(context, timedelta(seconds=1))

        return (yield from conduct(context, run_graph(["a"], {"a": ["b"]}, begin, 1)))

    trace = simulate(orchestrator, {}, lambda name, value: (0, None))

    assert "wait for what never comes: ['a']" in (trace.error or "")
