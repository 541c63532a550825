"""The map of the system: every activity with its contracts, attempts and timeout, and the outcome of an attempt.

Workflows see these rows alone. An activity is found by its name: `<package>/<name>.py` has a function of that name,
which takes the row's `takes` and returns its `returns`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, Literal

from pydantic import Field
from typing_extensions import TypeVar

from murmuration.contracts.admission import EndedRuns, SlotHolderCheck
from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.answers import Answer, AnswerBrief, Evaluation, Verdict
from murmuration.contracts.approvals import Notification, Notified, SignedVote, VerificationResult
from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.contracts.base import Contract
from murmuration.contracts.documents import Ingestion, ReadingReport
from murmuration.contracts.forgetting import DeletionCounts, DeletionPage, PageResult, RowDeletionPage
from murmuration.contracts.memories import (
    ExtractionRequest,
    ExtractionResult,
    RecallRequest,
    RecallResult,
    RememberRequest,
    RememberResult,
    Turn,
    TurnAppended,
)
from murmuration.contracts.passages import Query, Retrieved
from murmuration.contracts.plans import PlanBrief, Planned
from murmuration.contracts.usage import Usage

Takes = TypeVar("Takes", bound=Contract)
Returns = TypeVar("Returns", bound=Contract)
Value = TypeVar("Value", default=dict[str, Any])


class StepCall(Contract):
    """The message to an activity: one attempt at a step."""

    run: str
    about: str = ""
    """The part of the run that the step is for, such as a task's id; empty: the run as a whole."""
    attempt: int
    """From 1. Asking after work that is under way is not another attempt."""
    downgrade_model: bool = False
    """Whether to use the cheaper models."""
    token: str | None = None
    """The token of the `Later` before this call."""
    value: dict[str, Any]
    """The step's input as JSON. It is not parsed here: every replay builds all calls of the run again."""


class StepOutcome(Contract):
    """One attempt at a step: what it was for, when it ran, and what it used."""

    about: str = ""
    attempt: int = 1
    began: datetime | None = None
    """By the activity's clock. Unknown when the activity broke or its worker was lost."""
    ended: datetime | None = None
    usage: Usage = Usage()


class Done(StepOutcome, Generic[Value]):
    """The step ended well.

    An activity returns its value as JSON. A workflow gets the same outcome from `durable.calls.call`, with the value
    parsed and with the usage of all attempts.
    """

    outcome: Literal["done"] = "done"
    value: Value
    prompts: dict[str, str] = {}
    """The version of each agent's prompt."""
    models: tuple[str, ...] = ()
    """The models that answered, as they name themselves."""
    degraded: tuple[str, ...] = ()
    """Codes of what was worked around, such as `keyword_search`."""


class Later(StepOutcome):
    """The outside can't serve the step now; the workflow sleeps and tries again.

    The code `PENDING` is no failure: the work is under way, and `token` leads back to it.
    """

    outcome: Literal["later"] = "later"
    code: str
    seconds: float | None = None
    """The pause that the outside asked for (Retry-After); None leaves it to the workflow's backoff."""
    token: str | None = None
    """Sent with the next call."""


class Failed(StepOutcome):
    """The step can't be done. Codes are stable; the provider's own words stay in the logs."""

    outcome: Literal["failed"] = "failed"
    code: str
    message: str


PENDING = "pending"
StepResult = Annotated[Done | Later | Failed, Field(discriminator="outcome")]


@dataclass(frozen=True)
class Step(Generic[Takes, Returns]):
    """A row of the table."""

    name: str
    takes: type[Takes]
    returns: type[Returns]
    attempts: int
    """How often it is tried when the outcome is `Later` or the activity broke."""
    timeout_seconds: int
    tokens: int = 0
    """About how many tokens a call of its model uses: they are reserved before it is scheduled. 0: no model."""
    package: str = "activities"
    """The package of its file, `<package>/<name>.py`."""
    controls_runs: bool = False
    """Whether its activity looks up, wakes, stops or purges runs: then it gets the Durable client."""


LIBRARY = "murmuration.steps"
"""The package of the steps that every app on this library has."""

RECALL_MEMORY = Step("recall_memory", RecallRequest, RecallResult, attempts=2, timeout_seconds=20)
PLAN_GOAL = Step("plan_goal", PlanBrief, Planned, attempts=5, timeout_seconds=120, tokens=1_500)
RETRIEVE_PASSAGES = Step("retrieve_passages", Query, Retrieved, attempts=3, timeout_seconds=30)
ASK_AGENT = Step("ask_agent", AgentBrief, AgentAnswer, attempts=5, timeout_seconds=120, tokens=2_500, package=LIBRARY)
EVALUATE_RESULT = Step("evaluate_result", Evaluation, Verdict, attempts=5, timeout_seconds=120, tokens=2_500)
WRITE_ANSWER = Step("write_answer", AnswerBrief, Answer, attempts=5, timeout_seconds=120, tokens=2_500)
REMEMBER_RESULT = Step("remember_result", RememberRequest, RememberResult, attempts=3, timeout_seconds=30)
EXTRACT_LESSONS = Step(
    "extract_lessons", ExtractionRequest, ExtractionResult, attempts=3, timeout_seconds=120, tokens=1_500
)
APPEND_TURN = Step("append_turn", Turn, TurnAppended, attempts=5, timeout_seconds=120)
INGEST_DOCUMENTS = Step("ingest_documents", Ingestion, ReadingReport, attempts=5, timeout_seconds=240)
NOTIFY_APPROVERS = Step("notify_approvers", Notification, Notified, attempts=6, timeout_seconds=60, package=LIBRARY)
VERIFY_VOTE = Step("verify_vote", SignedVote, VerificationResult, attempts=5, timeout_seconds=20, package=LIBRARY)
FORGET_RUNS = Step("forget_runs", DeletionPage, PageResult, attempts=5, timeout_seconds=120, controls_runs=True)
FORGET_ROWS = Step("forget_rows", RowDeletionPage, PageResult, attempts=5, timeout_seconds=120)
FORGET_OBJECTS = Step("forget_objects", DeletionPage, PageResult, attempts=5, timeout_seconds=120, controls_runs=True)
FORGET_RECORDS = Step("forget_records", DeletionPage, PageResult, attempts=5, timeout_seconds=120, controls_runs=True)
FORGET_COUNT = Step("forget_count", DeletionPage, DeletionCounts, attempts=5, timeout_seconds=120)
DELETE_DELETION_LOG = Step("delete_deletion_log", DeletionPage, PageResult, attempts=5, timeout_seconds=120)
CANCEL_BACKGROUND = Step("cancel_background", UnderWay, Cancelled, attempts=3, timeout_seconds=30, package=LIBRARY)
CHECK_SLOT_HOLDERS = Step(
    "check_slot_holders", SlotHolderCheck, EndedRuns, attempts=2, timeout_seconds=60, controls_runs=True
)

STEPS: tuple[Step[Any, Any], ...] = tuple(row for row in list(globals().values()) if isinstance(row, Step))
"""Every row above, in this order."""
LIBRARY_STEPS = tuple(step for step in STEPS if step.package == LIBRARY)
APP_STEPS = tuple(step for step in STEPS if step.package != LIBRARY)
