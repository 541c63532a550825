"""`python langgraph_runs.py RUNS STEPS FILE [--normal]`: the LangGraph side of `benchmarks.langgraph_comparison`.

Runs in an environment of its own with LangGraph and without this project. Prints {"seconds": …}.
"""

import asyncio
import json
import sys
import time
from typing import TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    value: int


async def add_one(state: State) -> State:
    return {"value": state["value"] + 1}


def workflow(steps: int) -> StateGraph[State]:
    graph = StateGraph(State)
    names = [f"step_{number}" for number in range(steps)]
    for name in names:
        graph.add_node(name, add_one)
    for first, second in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(first, second)
    return graph


async def seconds(runs: int, steps: int, file: str, *, normal: bool) -> float:
    """Measure from the first start to the last end, after a warm-up run; `normal` sets PRAGMA synchronous=NORMAL."""
    async with AsyncSqliteSaver.from_conn_string(file) as saver:
        if normal:
            await saver.conn.execute("PRAGMA synchronous=NORMAL")
        graph = workflow(steps).compile(checkpointer=saver)

        async def run(name: str) -> None:
            ended = await graph.ainvoke({"value": 0}, {"configurable": {"thread_id": name}}, durability="sync")
            if ended["value"] != steps:
                raise RuntimeError(f"{name} ended with {ended}")

        await run("warm-up")
        began = time.perf_counter()
        await asyncio.gather(*(run(f"run-{number}") for number in range(runs)))
        return time.perf_counter() - began


if __name__ == "__main__":
    took = asyncio.run(seconds(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], normal="--normal" in sys.argv))
    print(json.dumps({"seconds": took}))
