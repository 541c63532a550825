"""What is deployed: HTTP triggers, orchestrators, entities, and one activity function for every row of the steps."""

from collections.abc import Awaitable, Callable
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.approval_gate import keep_gate
from murmuration.approval.web.routes import approvals
from murmuration.contracts.steps import STEPS, Step
from orchestrators.admission.entities import active_runs, token_bucket
from orchestrators.forgetting.forget import forget
from orchestrators.goal.achieve_goal import achieve_goal
from orchestrators.reading.read_documents import read_documents
from triggers.agents import agents
from triggers.documents import documents
from triggers.forgetting import forgetting
from triggers.goals import goals
from triggers.memories import memories
from triggers.service import service

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for blueprint in (goals, documents, forgetting, memories, approvals, agents, service):
    app.register_functions(blueprint)

for orchestrator in (achieve_goal, read_documents, keep_gate, forget):
    app.orchestration_trigger(context_name="context", orchestration=orchestrator.__name__)(orchestrator)

for entity in (token_bucket, active_runs):
    app.entity_trigger(context_name="context", entity_name=entity.__name__)(entity)


def _activity(step: Step[Any, Any]) -> Callable[..., Awaitable[dict[str, Any]]]:
    async def run(message: dict[str, Any]) -> dict[str, Any]:
        from murmuration.steps.runner import (
            run_step,  # the clients behind it are loaded by the first step, not at start
        )

        return await run_step(step, message)

    async def run_with_client(message: dict[str, Any], client: Any) -> dict[str, Any]:
        from murmuration.steps.runner import run_step

        return await run_step(step, message, client)

    chosen: Callable[..., Awaitable[dict[str, Any]]] = run_with_client if step.controls_runs else run
    chosen.__name__ = step.name
    chosen.__annotations__ = {"message": dict, "return": dict}  # the Functions worker takes plain types only
    return chosen


for step in STEPS:
    activity = _activity(step)
    if step.controls_runs:
        activity = app.durable_client_input(client_name="client")(activity)
    app.activity_trigger(input_name="message", activity=step.name)(activity)
