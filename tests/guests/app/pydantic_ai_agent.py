"""A Pydantic AI agent with parallel tools, and the workflow that runs it: model and tools are activities."""

from typing import Any

import azure.durable_functions as df
from counting import begin, end
from pydantic import BaseModel, TypeAdapter
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse, ToolCallPart, ToolReturnPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.toolsets import FunctionToolset, ToolsetTool, WrapperToolset
from weather import FIRST, TEMPERATURES, Question, Report, hottest

from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow

# The agent, as its framework has it.


class Verdict(BaseModel):
    city: str
    degrees: float


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """The script of the model: three cities at once, then a fourth, then the verdict from what the tools returned."""
    told = returned(messages)
    if not told:
        return ModelResponse(parts=[ToolCallPart("temperature", {"city": city}) for city in FIRST])
    if len(told) == len(FIRST):
        return ModelResponse(parts=[ToolCallPart("temperature", {"city": "Bern"})])
    city = hottest(told)
    return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, {"city": city, "degrees": told[city]})])


def returned(messages: list[ModelMessage]) -> dict[str, float]:
    """The temperature of each city, from the pairs of calls and returns."""
    parts = [part for message in messages for part in message.parts]
    calls = {part.tool_call_id: part.args_as_dict() for part in parts if isinstance(part, ToolCallPart)}
    returns = [part for part in parts if isinstance(part, ToolReturnPart) and part.tool_name == "temperature"]
    return {calls[part.tool_call_id]["city"]: part.content for part in returns}


tools: FunctionToolset[None] = FunctionToolset()


@tools.tool_plain
async def temperature(city: str) -> float:
    """Degrees in the city."""
    return TEMPERATURES[city]


agent = Agent(FunctionModel(answer), output_type=Verdict, toolsets=[tools], instructions="Find the hottest city.")

# The same agent as a workflow.

bp = df.Blueprint()
PARAMETERS, RESPONSE = TypeAdapter(ModelRequestParameters), TypeAdapter(ModelResponse)


class ActivityModel(WrapperModel):
    """The model, with each request an activity."""

    def __init__(self, wrapped: Model, flow: Flow) -> None:
        super().__init__(wrapped)
        self._flow = flow

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        request = {
            "messages": ModelMessagesTypeAdapter.dump_python(messages, mode="json"),
            "settings": model_settings,
            "parameters": PARAMETERS.dump_python(model_request_parameters, mode="json"),
        }
        return RESPONSE.validate_python(await self._flow.activity("pydantic_ai_model", request))


class ActivityTools(WrapperToolset[None]):
    """The tools, with each call an activity."""

    def __init__(self, wrapped: FunctionToolset[None], flow: Flow) -> None:
        super().__init__(wrapped)
        self._flow = flow

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> Any:
        return await self._flow.activity("pydantic_ai_tool", {"tool": name, "arguments": tool_args})


@bp.activity_trigger(input_name="request")
async def pydantic_ai_model(request: dict[str, Any]) -> Any:
    messages = ModelMessagesTypeAdapter.validate_python(request["messages"])
    call = f"model-{len(returned(messages))}"
    await begin(call)
    parameters = PARAMETERS.validate_python(request["parameters"])
    response = await agent.model.request(messages, request["settings"], parameters)
    end(call)
    return RESPONSE.dump_python(response, mode="json")


@bp.activity_trigger(input_name="request")
async def pydantic_ai_tool(request: dict[str, Any]) -> Any:
    call = f"tool-{request['arguments']['city']}"
    await begin(call)
    result = await tools.tools[request["tool"]].function(**request["arguments"])
    end(call)
    return result


@workflow
async def pydantic_ai(flow: Flow, question: Question) -> Report:
    with agent.override(model=ActivityModel(agent.model, flow), toolsets=[ActivityTools(tools, flow)]):
        run = await agent.run(question.text)
    return Report(hottest=run.output.city, temperatures=returned(run.all_messages()))
