"""What a person asks for: at the door (`GoalRequest`), and inside a run (`Goal`)."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from murmuration.contracts.approvals import ApprovalRules, ApprovalRulesRequest
from murmuration.contracts.base import STRICT_INPUT, Contract, Request, Timestamp
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import DocumentKind, Scope
from murmuration.contracts.plans import Plan
from murmuration.contracts.prices import PriceTable
from murmuration.contracts.replies import TaskReply
from murmuration.contracts.rules import Rules, RulesRequest

MAX_WAIT_SECONDS = 230
"""Azure's front end ends an HTTP request after 230 s without an answer."""
MAX_GOAL_CHARACTERS = 8_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_LEVELS = 8
MAX_SOURCES = 50

_Name = StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f]*$", strip_whitespace=True)
UserName = Annotated[str, _Name]
"""A name, an e-mail address or an id; it is kept as a hash only."""


class Budget(Contract):
    """What a run may use at most. The first limit that is passed ends it with `budget_exceeded`."""

    tokens: Annotated[int, Field(ge=1_000, le=50_000_000)] = 500_000
    """Input, output and embedding tokens together."""
    model_calls: Annotated[int, Field(ge=1, le=100_000)] = 500
    seconds: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    """From the start of the run to the scheduling of its last step, without the time of waiting for people."""
    usd: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Money for models; None: no limit. By the prices of the day on which the run begins."""


OnExhausted = Literal["accept_best", "ask_person", "fail"]
OnBudget = Literal["stop", "ask_person", "degrade"]
Approvable = Literal["plan", "answer"]


class Approval(ApprovalRules):
    """What people have to approve, who, and how long they have."""

    of: tuple[Approvable, ...] = ("answer",)
    """Empty: they are asked only when the answer does not pass, if `on_exhausted` wants that."""


class ApprovalAtDoor(ApprovalRulesRequest, Approval):
    """`Approval` at the door."""

    of: Annotated[tuple[Approvable, ...], Field(max_length=2, strict=False)] = ("answer",)


class Options(Contract):
    """How a goal is to be worked on."""

    concurrency: Annotated[int, Field(ge=1, le=50)] = 5
    """Tasks of this run that are worked on at once."""
    revision_limit: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a task's result, and the answer, may be revised."""
    rules: Rules = Rules()
    """What the answer must satisfy whatever a model thinks of it."""
    on_exhausted: OnExhausted = "accept_best"
    """What becomes of an answer that has not passed when it can't be revised any more."""
    approval: Approval | None = None
    """None: nobody is asked."""
    replan_limit: Annotated[int, Field(ge=0, le=3)] = 1
    """How often the planner may be asked for another plan, when a task failed for good or the plan was wrong."""
    remember: bool = True
    """Whether what the run learns is left for later runs."""
    budget: Budget = Budget()
    on_budget: OnBudget = "stop"
    """At the limit: end with the best there is; ask the approvers for as much again; or ask cheaper models from four
    fifths of it on, and then end."""


class BudgetRequest(Budget):
    """`Budget` at the door: an unknown or ill-typed limit is refused."""

    model_config = STRICT_INPUT


class OptionsRequest(Options):
    """`Options` at the door, with what concerns the starter alone."""

    model_config = STRICT_INPUT

    rules: RulesRequest = RulesRequest()
    approval: ApprovalAtDoor | None = None
    budget: BudgetRequest = BudgetRequest()
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """Seconds the starter waits for the outcome before it answers 202."""


class ScopeRequest(Request):
    """`Scope` at the door."""

    sources: Annotated[list[Annotated[str, Field(min_length=1, max_length=512)]], Field(max_length=MAX_SOURCES)] = []
    """Beginnings of paths, one of which a document's has."""
    kinds: Annotated[list[DocumentKind], Field(max_length=10)] = []
    since: Timestamp | None = None
    """Documents that have changed at this time or later."""
    until: Timestamp | None = None
    """Documents that have changed before this time."""

    @field_validator("until")
    @classmethod
    def _after_since(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("since")
        if until is not None and since is not None and until <= since:
            raise ValueError("is not after since")
        return until


class GoalRequest(Request):
    """The body of `POST /api/goals`."""

    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_GOAL_CHARACTERS)]
    metadata: dict[str, Any] = {}
    """Kept with the run and returned with it: at most 16 KiB as JSON, at most 8 levels deep."""
    user: UserName = ""
    """On whose behalf: documents and memories of this user are found beside everybody's, and what is learned is
    the user's alone."""
    session_id: UserName = ""
    """The conversation that the goal is part of; a new id begins one."""
    scope: ScopeRequest = ScopeRequest()
    """Which documents are searched."""
    plan: list[TaskReply] | None = None
    """The graph of tasks, when the caller knows it: then no planner is asked."""
    options: OptionsRequest = OptionsRequest()

    @field_validator("metadata")
    @classmethod
    def _small(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if _depth(metadata) > MAX_METADATA_LEVELS:
            raise ValueError(f"is nested more than {MAX_METADATA_LEVELS} levels deep")
        try:
            size = len(json.dumps(metadata, ensure_ascii=False).encode())
        except UnicodeEncodeError:
            raise ValueError("holds a character that is no Unicode text") from None
        if size > MAX_METADATA_BYTES:
            raise ValueError(f"has {size} bytes as JSON, at most {MAX_METADATA_BYTES} are taken")
        return metadata


def _depth(value: Any) -> int:
    """Levels of objects and lists: 0 for a number, 1 for {}, 2 for {"a": []}. Iterative: depth can't hurt."""
    levels = 0
    layer = [value]
    while layer := [each for each in layer if isinstance(each, dict | list)]:
        levels += 1
        layer = [inner for each in layer for inner in (each.values() if isinstance(each, dict) else each)]
    return levels


class Goal(Contract):
    """The input of a run. All that could change while it runs is frozen in here."""

    owner: Owner
    session: str = ""
    """The key of the conversation (`murmuration.policy.tenancy.session_key`)."""
    text: str
    requester: str = ""
    """Who asks, by name, if people have to approve: they are told, and may not be asked themselves."""
    scope: Scope = Scope()
    plan: Plan | None = None
    prices: PriceTable | None = None
    """Of the models that it may ask, when it began; None: they are not known."""
    metadata: dict[str, Any] = {}
    options: Options = Options()
    active_limit: int | None = None
    """How many runs of the tenant may work at once, by the settings; None: any number."""
