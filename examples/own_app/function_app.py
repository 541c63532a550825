"""An app of its own on murmuration: an agent writes an announcement, and a person approves it."""

from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.seek_approval import seek_approval
from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.approvals import ApprovalRequest, ApprovalRules, Panel
from murmuration.contracts.base import Contract
from murmuration.contracts.steps import ASK_AGENT
from murmuration.deployment import register
from murmuration.durable.calls import call
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow


class Announcement(Contract):
    facts: str
    approver: str


class Published(Contract):
    state: str
    text: str


@workflow
async def announce(flow: Flow, order: Announcement) -> Published:
    brief = AgentBrief(agent="announcer", instruction="Write the announcement.", input=order.facts)
    draft = (await call(flow, ASK_AGENT, brief)).value
    rules = ApprovalRules(panels=(Panel(approvers=(order.approver,)),))
    request = ApprovalRequest(title="Announcement", content=draft.answer, requester="the office", rules=rules)
    decision = await seek_approval(flow, 1, request)
    return Published(state=decision.state, text=draft.answer.text or "")


app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
register(app, agents=Path(__file__).parent / "agents")
