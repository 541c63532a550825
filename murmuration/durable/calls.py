"""Have a step done: attempts, pauses between them, and asking after work in the background."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from pydantic import TypeAdapter

from murmuration.contracts.background import UnderWay
from murmuration.contracts.steps import (
    CANCEL_BACKGROUND,
    PENDING,
    Done,
    Failed,
    Later,
    Returns,
    Step,
    StepCall,
    StepResult,
    Takes,
)
from murmuration.contracts.usage import NOTHING
from murmuration.durable.errors import DurableTaskFailed, StepFailed
from murmuration.durable.workflow import Flow

FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 60.0
FIRST_POLL_SECONDS = 2.0
"""The pause before the first look at work in the background; later pauses grow."""
POLL_GROWTH = 1.5
MAX_PENDING = timedelta(hours=1)
"""Work in the background that takes longer is cancelled."""

_STEP_RESULT: TypeAdapter[Done[dict[str, Any]] | Later | Failed] = TypeAdapter(StepResult)


async def call(
    flow: Flow, step: Step[Takes, Returns], value: Takes, *, about: str = "", downgrade_model: bool = False
) -> Done[Returns]:
    """Have `step` done; raises `StepFailed` when it can't be, or was not within the row's attempts.

    `about` names the part of the run that the step is for, such as a task's id. Returns the outcome of the last
    attempt, with the usage of all.

    `Later` is a durable sleep, as long as the outside asked for or with doubling pauses. An activity that *raised* has
    a bug or lost its worker: it is tried again like a `Later`. Work that a provider does in the background is asked
    after with growing pauses, which are no attempts. It is cancelled when the caller is.
    """
    used = NOTHING
    attempt, polls, token = 1, 0, None
    until = flow.now + MAX_PENDING
    try:
        while True:
            message = StepCall(
                run=flow.instance_id,
                about=about,
                attempt=attempt,
                downgrade_model=downgrade_model,
                token=token,
                value=value.model_dump(mode="json"),
            )
            outcome = await _attempt(flow, step.name, message)
            used = used + outcome.usage
            if isinstance(outcome, Done):
                parsed = {"value": step.returns.model_validate(outcome.value), "usage": used}
                return cast("Done[Returns]", outcome.model_copy(update=parsed))
            if isinstance(outcome, Failed):
                raise StepFailed(outcome.code, outcome.message, used)
            token = outcome.token
            late = outcome.code == PENDING and flow.now >= until
            if late or (outcome.code != PENDING and attempt == step.attempts):
                await _cancel(flow, token, about)
                raise StepFailed(outcome.code, f"{step.name} gave up after {attempt} attempts", used)
            await asyncio.sleep(_pause(outcome, attempt, polls))
            attempt, polls = (attempt, polls + 1) if outcome.code == PENDING else (attempt + 1, polls)
    except asyncio.CancelledError:
        await _cancel(flow, token, about)
        raise


async def _attempt(flow: Flow, name: str, message: StepCall) -> Done[dict[str, Any]] | Later | Failed:
    try:
        return _STEP_RESULT.validate_python(await flow.activity(name, message))
    except DurableTaskFailed:
        return Later(code="step_broke", token=message.token)


def _pause(outcome: Later, attempt: int, polls: int) -> float:
    """Return the seconds until the next attempt, or the next look."""
    if outcome.code == PENDING:
        growth: float = POLL_GROWTH**polls
        return min(FIRST_POLL_SECONDS * growth, MAX_BACKOFF_SECONDS)
    if outcome.seconds is not None:
        return outcome.seconds
    growth = 2.0 ** (attempt - 1)
    return min(FIRST_BACKOFF_SECONDS * growth, MAX_BACKOFF_SECONDS)


async def _cancel(flow: Flow, token: str | None, about: str) -> None:
    """Tell the provider to stop: nobody waits for the work any more."""
    if token is not None:
        with suppress(StepFailed):
            await call(flow, CANCEL_BACKGROUND, UnderWay(token=token), about=about)
