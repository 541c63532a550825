"""Plans a goal: asks the planner for a graph of tasks, and checks it by the rules."""

from pydantic import JsonValue

from murmuration.agents.loader import agents_for_plans
from murmuration.contracts.plans import Plan, PlanBrief, Planned
from murmuration.contracts.replies import PlanReply
from murmuration.policy.plan_rules import SUPPORTED_TYPES, PlanRejected, checked_plan
from murmuration.services.model.model import Model
from murmuration.services.storage.prompt_inputs import conversation_as_prompt
from murmuration.services.storage.sessions import Sessions

WISHED_TASKS = 12
"""The limit that the planner is told; `murmuration.policy.plan_rules` allows more tasks."""


async def plan_goal(brief: PlanBrief, model: Model, sessions: Sessions) -> Planned:
    """Safe to run twice: it only asks, and history keeps the first result."""
    agents = agents_for_plans()
    performed = {agent.task_type for agent in agents}
    reply = await model.ask(
        "planner",
        {
            "goal": brief.goal,
            "conversation": await conversation_as_prompt(sessions, brief.session),
            "known": [
                {"kind": note.kind, "about": note.about, "text": note.text, "source": note.source}
                for note in brief.notes
            ],
            "task_types": [type_ for type_ in SUPPORTED_TYPES if type_ == "retriever" or type_ in performed],
            "max_tasks": WISHED_TASKS,
            "agents": [{"name": agent.name, "type": agent.task_type, "purpose": agent.purpose} for agent in agents],
            "rejected": brief.rejected,
            "previous": _tasks(brief.previous) if brief.previous else None,
            "wishes": list(brief.wishes),
            "done": [{"id": task.id, "type": task.type, "instruction": task.instruction} for task in brief.done],
        },
        PlanReply,
    )
    try:
        return Planned(plan=checked_plan(reply, {agent.name: agent.task_type for agent in agents}))
    except PlanRejected as reason:
        return Planned(rejected=str(reason), code=reason.code)


def _tasks(plan: Plan) -> list[JsonValue]:
    """Return the tasks as a planner writes them, without fields that are not used."""
    return [task.model_dump(mode="json", exclude_defaults=True) for task in plan.tasks]
