"""The deployed app: HTTP triggers, workflows, entities, and one activity function for every row of the steps."""

import azure.durable_functions as df
import azure.functions as func

from murmuration.contracts.steps import APP_STEPS
from murmuration.deployment import register
from murmuration.durable.registry import import_all
from triggers.agents import agents
from triggers.documents import documents
from triggers.forgetting import forgetting
from triggers.goals import goals
from triggers.memories import memories
from triggers.service import service

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for blueprint in (goals, documents, forgetting, memories, agents, service):
    app.register_functions(blueprint)

import_all("orchestrators")
register(app, APP_STEPS)
