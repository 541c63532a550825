"""An app of its own on murmuration: an agent writes an announcement, a person approves it, and it goes out in time."""

from datetime import timedelta
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
from murmuration.durable.context import Context, read_input
from murmuration.durable.flow import Strand, sleep
from murmuration.durable.registry import workflow


class Announcement(Contract):
    facts: str
    approver: str


@workflow
def announce(context: Context) -> Strand[dict[str, str | None]]:
    asked = read_input(context, Announcement)
    brief = AgentBrief(agent="announcer", instruction="Write the announcement.", input=asked.facts)
    draft = (yield from call(context, ASK_AGENT, brief)).value
    rules = ApprovalRules(panels=(Panel(approvers=(asked.approver,)),))
    request = ApprovalRequest(title="Announcement", content=draft.answer, requester="the office", rules=rules)
    decision = yield from seek_approval(context, 1, request)
    yield from sleep(context, timedelta(seconds=1))
    return {"state": decision.state, "text": draft.answer.text}


app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
register(app, agents=Path(__file__).parent / "agents")
