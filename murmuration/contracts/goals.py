"""A goal: as a person posts it (`GoalRequest`), and as the input of a run (`Goal`)."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from murmuration.contracts.approvals import ApprovalRules
from murmuration.contracts.base import Contract, JsonObject
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Scope
from murmuration.contracts.plans import Plan
from murmuration.contracts.prices import PriceTable
from murmuration.contracts.replies import TaskReply
from murmuration.contracts.rules import Rules
from murmuration.contracts.runs import RunInput

MAX_WAIT_SECONDS = 230
"""Azure's front end ends an HTTP request that has not been answered after 230 s."""
MAX_GOAL_CHARACTERS = 8_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_LEVELS = 8

UserName = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f]*$", strip_whitespace=True)]
"""A name, an e-mail address or an id. Only its hash is stored."""


class Budget(Contract):
    """The most that a run may use. The first limit that is reached ends it with `budget_exceeded`."""

    tokens: Annotated[int, Field(ge=1_000, le=50_000_000)] = 500_000
    """Input, output and embedding tokens together."""
    model_calls: Annotated[int, Field(ge=1, le=100_000)] = 500
    seconds: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    """From the start of the run to the scheduling of its last step, without the time that people take to decide."""
    usd: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """US dollars for models, by the prices of the day on which the run starts. None: no limit."""


OnExhausted = Literal["accept_best", "ask_person", "fail"]
OnBudget = Literal["stop", "ask_person", "degrade"]
Approvable = Literal["plan", "answer"]


class Approval(ApprovalRules):
    """The rules of approval, and the results that need it."""

    of: Annotated[tuple[Approvable, ...], Field(max_length=2)] = ("answer",)
    """Empty: approvers are asked only where `on_exhausted` or `on_budget` says so."""


class Options(Contract):
    """Settings of one goal."""

    concurrency: Annotated[int, Field(ge=1, le=50)] = 5
    """How many tasks of the run are worked on at once."""
    revision_limit: Annotated[int, Field(ge=0, le=10)] = 3
    """How often the result of a task, and the answer, may be revised."""
    rules: Rules = Rules()
    """Rules that the answer must satisfy, whatever a model thinks of it."""
    on_exhausted: OnExhausted = "accept_best"
    """The fate of an answer that has not passed its evaluation and may not be revised again."""
    approval: Approval | None = None
    """None: nobody is asked."""
    replan_limit: Annotated[int, Field(ge=0, le=3)] = 1
    """How often the planner may be asked for another plan, after a task failed for good or the plan was wrong."""
    remember: bool = True
    """Whether later runs may recall what this one learns."""
    budget: Budget = Budget()
    on_budget: OnBudget = "stop"
    """At the limit: `stop` ends with the best answer so far; `ask_person` asks the approvers for as much again;
    `degrade` uses cheaper models from four fifths of the limit on, then ends."""
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS, exclude=True)] = 0
    """Seconds that the request waits for the outcome before it is answered with 202. The run doesn't record it."""


class GoalRequest(Contract):
    """The body of `POST /api/goals`."""

    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_GOAL_CHARACTERS)]
    metadata: JsonObject = {}
    """Returned with the outcome, unread: at most 16 KiB as JSON and 8 levels deep."""
    user: UserName = ""
    """The person for whom the run works. It finds their documents and memories beside everybody's, and what it learns
    is theirs alone."""
    session_id: UserName = ""
    """The conversation that the goal is part of; a new id begins one."""
    scope: Scope = Scope()
    plan: list[TaskReply] | None = None
    """The tasks, when the caller knows them: then the planner is not asked."""
    options: Options = Options()

    @field_validator("metadata")
    @classmethod
    def _small(cls, metadata: JsonObject) -> JsonObject:
        if _depth(metadata) > MAX_METADATA_LEVELS:
            raise ValueError(f"is nested more than {MAX_METADATA_LEVELS} levels deep")
        size = len(json.dumps(metadata, ensure_ascii=False).encode())
        if size > MAX_METADATA_BYTES:
            raise ValueError(f"has {size} bytes as JSON, at most {MAX_METADATA_BYTES} are taken")
        return metadata


def _depth(value: Any) -> int:
    """Count the levels of objects and lists: 0 for a number, 1 for {}, 2 for {"a": []}."""
    levels = 0
    layer = [value]
    while layer := [item for item in layer if isinstance(item, dict | list)]:
        levels += 1
        layer = [inner for item in layer for inner in (item.values() if isinstance(item, dict) else item)]
    return levels


class Goal(RunInput):
    """The input of `achieve_goal`. All that could change while the run works is frozen in here."""

    owner: Owner
    """Whom the run works for: it reads and writes what they may see."""
    session: str = ""
    """The key of the conversation (`murmuration.policy.tenancy.session_key`)."""
    text: str
    requester: str = ""
    """The name that approvers read, and that may be barred from approving; empty when nobody has to approve."""
    scope: Scope = Scope()
    plan: Plan | None = None
    """The caller's own plan; None: the planner makes one."""
    prices: PriceTable | None = None
    """The prices when the run started; None: they are not known."""
    metadata: dict[str, Any] = {}
    options: Options = Options()
    active_limit: int | None = None
    """How many runs of the tenant may work at once, by the settings; None: any number."""
