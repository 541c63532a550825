"""An app whose workflows run agents of other frameworks. I/O in a workflow is refused, as in development."""

import azure.durable_functions as df
import azure.functions as func
import langgraph_graph
import openai_agents_agent
import pydantic_ai_agent

from murmuration.deployment import register
from murmuration.durable.audit import refuse_io_in_workflows

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for guest in (langgraph_graph, openai_agents_agent, pydantic_ai_agent):
    app.register_functions(guest.bp)
register(app)
refuse_io_in_workflows()
