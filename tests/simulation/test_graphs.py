"""Graphs of random tasks run as an ideal eager scheduler would run them. In large: benchmarks.graph."""

import random

import pytest

from benchmarks.random_graphs import Graph, eager_seconds, orchestrated_seconds, random_graph, wave_seconds


@pytest.mark.parametrize("number", range(8))
def test_a_graph_takes_as_long_as_an_ideal_scheduler_takes(number: int) -> None:
    graph = random_graph(random.Random(number), (5, 15))

    seconds, _ = orchestrated_seconds(graph)

    assert seconds == pytest.approx(eager_seconds(graph))


def test_the_two_it_is_measured_against_are_what_they_say() -> None:
    graph = Graph(steps=((1, 1), (4, 4), (1, 1)), needs=((), (), (0,)), cap=5)

    assert eager_seconds(graph) == 8, "the third task does not wait for the second"
    assert wave_seconds(graph) == 10
    assert eager_seconds(Graph(graph.steps, graph.needs, cap=1)) == 12
