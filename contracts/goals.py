"""What a person asks for: at the door (`GoalRequest`), and inside a run (`Goal`)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from contracts.base import AT_THE_DOOR, Contract, Request

MAX_WAIT_SECONDS = 230
"""Azure's front end ends an HTTP request after 230 s without an answer."""
MAX_GOAL_CHARACTERS = 8_000


class Budget(Contract):
    """What a run may use at most. The first limit that is passed ends it with `budget_exceeded`."""

    tokens: Annotated[int, Field(ge=1_000, le=50_000_000)] = 500_000
    """Input, output and embedding tokens together."""
    model_calls: Annotated[int, Field(ge=1, le=100_000)] = 500
    seconds: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    """From the start of the run to the scheduling of its last step."""


class Options(Contract):
    """How a goal is to be worked on."""

    concurrency: Annotated[int, Field(ge=1, le=50)] = 5
    """Tasks of this run that are worked on at once."""
    revision_limit: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a task's result, and the answer, may be revised."""
    budget: Budget = Budget()


class BudgetRequest(Budget):
    """`Budget` at the door: an unknown or ill-typed limit is refused."""

    model_config = AT_THE_DOOR


class OptionsRequest(Options):
    """`Options` at the door, with what concerns the starter alone."""

    model_config = AT_THE_DOOR

    budget: BudgetRequest = BudgetRequest()
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """Seconds the starter waits for the outcome before it answers 202."""


class GoalRequest(Request):
    """The body of `POST /api/goals`."""

    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_GOAL_CHARACTERS)]
    metadata: dict[str, Any] = {}
    """Kept with the run and returned with it: at most 16 KiB as JSON, at most 8 levels deep."""
    options: OptionsRequest = OptionsRequest()


class Goal(Contract):
    """The input of a run. All that could change while it runs is frozen in here."""

    tenant: str
    """From the caller's identity, never from the request body."""
    text: str
    metadata: dict[str, Any] = {}
    options: Options = Options()
