"""An entity's answer, or its failure, reaches the workflow that called it."""

import json
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import pytest

from loopback.functions import protocol as wire
from murmuration.durable.context import Context
from murmuration.durable.driver import orchestrate
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from simulation.records import EPOCH


@pytest.mark.parametrize(
    ("answer", "output"),
    [({"result": "5"}, 5), ({"result": json.dumps("it broke"), "exceptionType": "Error"}, "failed: it broke")],
)
def test_an_entity_answers_or_fails_with_a_typed_error(answer: dict[str, str], output: Any) -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            return await flow.entity("counter", "a", "add", 1)
        except DurableTaskFailed as failure:
            return f"failed: {failure}"

    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, "workflow", workflow))

    history = [
        wire.event(wire.ORCHESTRATOR_STARTED, EPOCH),
        wire.event(wire.EXECUTION_STARTED, EPOCH, Name="workflow", Version="", Input="null"),
        wire.event(wire.EVENT_SENT, EPOCH, event_id=0, InstanceId="@counter@a", Input=json.dumps({"id": "call"})),
        wire.event(wire.ORCHESTRATOR_STARTED, EPOCH),
        wire.event(wire.EVENT_RAISED, EPOCH, Name="call", Input=json.dumps(answer)),
    ]
    body = wire.request(json.dumps(history), instance="run", parent=None, input_json="null")

    assert wire.ask(df.Orchestrator.create(orchestrator), body).output == output
