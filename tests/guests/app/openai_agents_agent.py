"""An OpenAI Agents SDK agent with function tools, and the workflow that runs it: model and tools are activities."""

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import azure.durable_functions as df
from agents import (
    Agent,
    FunctionTool,
    Model,
    ModelResponse,
    ModelSettings,
    ModelTracing,
    RunConfig,
    Runner,
    Usage,
    function_tool,
)
from agents.tool_context import ToolContext
from counting import begin, end
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from pydantic import TypeAdapter
from weather import FIRST, TEMPERATURES, Question, Report, hottest

from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow

# The agent, as its framework has it.


class ScriptedModel(Model):
    """Asks for three cities at once, then for a fourth, then gives the verdict from what the tools returned."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: Any,  # noqa: A002 - the framework's name
        *arguments: Any,
        **options: Any,
    ) -> ModelResponse:
        told = returned(input)
        if len(told) > len(FIRST):
            text = ResponseOutputText(type="output_text", text=f"{hottest(told)} is the hottest.", annotations=[])
            message = ResponseOutputMessage(
                id="message", type="message", role="assistant", status="completed", content=[text]
            )
            return ModelResponse(output=[message], usage=Usage(requests=1), response_id=None)
        calls = [
            ResponseFunctionToolCall(
                type="function_call", call_id=f"call-{city}", name="temperature", arguments=json.dumps({"city": city})
            )
            for city in (("Bern",) if told else FIRST)
        ]
        return ModelResponse(output=list(calls), usage=Usage(requests=1), response_id=None)

    def stream_response(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def returned(items: Any) -> dict[str, float]:
    """The temperature of each city, from the pairs of calls and outputs."""
    items = items if isinstance(items, list) else []
    cities = {item["call_id"]: json.loads(item["arguments"])["city"] for item in items if kind(item) == "function_call"}
    outputs = [item for item in items if kind(item) == "function_call_output"]
    return {cities[item["call_id"]]: float(item["output"]) for item in outputs}


def kind(item: Any) -> Any:
    return item.get("type")


@function_tool
async def temperature(city: str) -> str:
    """Degrees in the city."""
    return str(TEMPERATURES[city])


agent = Agent[None](name="weather", instructions="Find the hottest city.", tools=[temperature], model=ScriptedModel())

# The same agent as a workflow.

bp = df.Blueprint()
RESPONSE = TypeAdapter(ModelResponse)


class ActivityModel(Model):
    """The model, with each request an activity."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    async def get_response(
        self,
        system_instructions: str | None,
        input: Any,  # noqa: A002 - the framework's name
        *arguments: Any,
        **options: Any,
    ) -> ModelResponse:
        request = {"instructions": system_instructions, "input": input}
        return RESPONSE.validate_python(await self._flow.activity("openai_agents_model", request))

    def stream_response(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def as_activity(tool: FunctionTool, flow: Flow) -> FunctionTool:
    """The tool, with each call an activity."""

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        request = {"call": context.tool_call_id, "arguments": arguments}
        return await flow.activity("openai_agents_tool", request)

    return dataclasses.replace(tool, on_invoke_tool=invoke)


@bp.activity_trigger(input_name="request")
async def openai_agents_model(request: dict[str, Any]) -> Any:
    call = f"model-{len(returned(request['input']))}"
    await begin(call)
    response = await agent.model.get_response(
        request["instructions"],
        request["input"],
        ModelSettings(),
        agent.tools,
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    end(call)
    return RESPONSE.dump_python(response, mode="json")


@bp.activity_trigger(input_name="request")
async def openai_agents_tool(request: dict[str, Any]) -> Any:
    call = f"tool-{json.loads(request['arguments'])['city']}"
    await begin(call)
    context = ToolContext(
        None, tool_name="temperature", tool_call_id=request["call"], tool_arguments=request["arguments"]
    )
    result = await temperature.on_invoke_tool(context, request["arguments"])
    end(call)
    return result


@workflow
async def openai_agents(flow: Flow, question: Question) -> Report:
    durable = agent.clone(model=ActivityModel(flow), tools=[as_activity(tool, flow) for tool in agent.tools])
    run = await Runner.run(durable, question.text, run_config=RunConfig(tracing_disabled=True))
    return Report(hottest=run.final_output.split()[0], temperatures=returned(run.to_input_list()))
