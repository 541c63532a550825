"""An app of its own on murmuration: an agent writes an announcement, a person approves it, and it goes out in time."""

from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.approvals import ApprovalRequest, ApprovalRules
from murmuration.contracts.base import Contract
from murmuration.contracts.steps import ASK_AGENT
from murmuration.deployment import register
from murmuration.durable.calls import call
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow


class Facts(Contract):
    text: str
    rules: ApprovalRules


class Announcement(Contract):
    state: str
    text: str | None


@workflow
async def announce(flow: Flow, facts: Facts) -> Announcement:
    brief = AgentBrief(agent="announcer", instruction="Write the announcement.", input=facts.text)
    draft = (await call(flow, ASK_AGENT, brief)).value.answer
    request = ApprovalRequest(title="Announcement", content=draft, requester="the office", rules=facts.rules)
    decision = await seek_approval(flow, 1, request)
    await flow.sleep(timedelta(seconds=1))
    return Announcement(state=decision.state, text=draft.text)


app = df.DFApp()
register(app, agents=Path(__file__).parent / "agents")
