"""A LangGraph graph that fans out by `Send`, and the workflow that runs it: every node is an activity."""

import operator
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypedDict

import azure.durable_functions as df
from counting import begin, end
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from weather import TEMPERATURES, Question, Report, hottest

from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow

bp = df.Blueprint()
State = dict[str, Any]
Node = Callable[[State], Awaitable[State]]
NODES: dict[str, Node] = {}


def as_activity(node: Node) -> Callable[[State, RunnableConfig], Awaitable[State]]:
    """The node, done as an activity of the workflow that the graph is invoked in."""
    NODES[node.__name__] = node

    async def schedule(state: State, config: RunnableConfig) -> State:
        flow: Flow = config["configurable"]["flow"]
        result: State = await flow.activity("langgraph_node", {"node": node.__name__, "state": state})
        return result

    return schedule


@bp.activity_trigger(input_name="request")
async def langgraph_node(request: dict[str, Any]) -> Any:
    call = "-".join(filter(None, (request["node"], request["state"].get("city"))))
    await begin(call)
    result = await NODES[request["node"]](request["state"])
    end(call)
    return result


# The graph, as its framework has it.


class Weather(TypedDict, total=False):
    question: str
    cities: list[str]
    temperatures: Annotated[list[tuple[str, float]], operator.add]
    hottest: str


async def plan(state: State) -> State:
    return {"cities": sorted(TEMPERATURES)}


async def measure(state: State) -> State:
    return {"temperatures": [(state["city"], TEMPERATURES[state["city"]])]}


async def conclude(state: State) -> State:
    return {"hottest": hottest(dict(state["temperatures"]))}


async def fan_out(state: State) -> list[Send]:
    return [Send("measure", {"city": city}) for city in state["cities"]]


builder = StateGraph(Weather)
builder.add_node("plan", as_activity(plan))
builder.add_node("measure", as_activity(measure))
builder.add_node("conclude", as_activity(conclude))
builder.add_edge(START, "plan")
builder.add_conditional_edges("plan", fan_out, ["measure"])
builder.add_edge("measure", "conclude")
builder.add_edge("conclude", END)
graph = builder.compile()


@workflow
async def langgraph(flow: Flow, question: Question) -> Report:
    state = await graph.ainvoke({"question": question.text}, {"configurable": {"flow": flow}})
    return Report(hottest=state["hottest"], temperatures=dict(state["temperatures"]))
