"""Runs an activity by its step's name: contract in, envelope out.

Whatever an activity may expect to go wrong becomes an envelope the orchestrator can act on; what it did not
expect is logged by type and place, and raised without its text, which might hold content.
"""

import asyncio
import gc
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import PENDING, Done, Failed, Later, Step, StepCall
from murmuration.contracts.usage import Usage
from murmuration.policy.prices import UnknownModel, cost
from murmuration.services.clients import current_clients
from murmuration.services.errors import Pending, RetryLater, SettingsError, StepError
from murmuration.services.model.prices import prices_for
from murmuration.services.step_context import StepContext
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.run_histories import DurableHistories
from murmuration.services.storage.run_records import RunRecords
from murmuration.services.storage.sessions import Sessions
from murmuration.services.telemetry.log import current_run, log

Activity = Callable[..., Awaitable[Contract]]


class StepBroke(Exception):
    """A bug in an activity, or an outside that behaves as nobody foresaw."""


async def run_step(step: Step[Any, Any], message: dict[str, Any], durable: Any = None) -> dict[str, Any]:
    """Do what `message`, a `StepCall`, asks for; returns `Done`, `Later` or `Failed` as JSON.

    `durable` is the Durable client, for steps that control runs.
    """
    called = StepCall.model_validate(message)
    current_run.set(called.run)
    step_context = StepContext(
        last_attempt=called.attempt == step.attempts, token=called.token, downgrade_model=called.downgrade_model
    )
    began = time.monotonic()
    envelope: Done | Later | Failed
    try:
        value = await _perform(step, called, step_context, durable)
        envelope = Done(
            value=value.model_dump(mode="json"),
            usage=step_context.usage,
            prompts=step_context.prompts,
            models=tuple(sorted(step_context.models)),
            degraded=tuple(sorted(step_context.degraded)),
        )
    except Pending as pending:
        envelope = Later(code=PENDING, token=pending.token, usage=step_context.usage)
    except RetryLater as problem:
        envelope = Later(code=problem.code, seconds=problem.seconds, token=step_context.token, usage=step_context.usage)
    except TimeoutError:
        envelope = Later(code="step_timeout", token=step_context.token, usage=step_context.usage)
    except StepError as problem:
        envelope = Failed(code=problem.code, message=str(problem), usage=step_context.usage)
    log(
        "step",
        step=step.name,
        attempt=called.attempt,
        outcome=envelope.outcome,
        code=None if isinstance(envelope, Done) else envelope.code,
        seconds=round(time.monotonic() - began, 3),
        tenant=called.run.partition("-")[0],
        agent=",".join(step_context.prompts) or None,
        model=",".join(step_context.usage.by_model) or None,
        tokens=step_context.usage.tokens,
        micro_dollars=_cost(step_context.usage),
    )
    _keep_what_is_loaded(step.name)
    return envelope.model_dump(mode="json")


def _cost(usage: Usage) -> int | None:
    """By today's prices, which may be others than the run began with; None where a model has none."""
    try:
        return cost(usage.by_model, prices_for(current_clients().settings))
    except (SettingsError, UnknownModel):
        return None


@cache
def _keep_what_is_loaded(_step: str) -> None:
    """After the first call of a step, which has loaded its libraries: they stay, and a collection of garbage that goes
    through them all stops every step and replay of the process for 0.2 s."""
    gc.freeze()


async def _perform(step: Step[Any, Any], called: StepCall, step_context: StepContext, durable: Any) -> Contract:
    activity, needs = _activity(step.package, step.name)
    try:
        request = step.takes.model_validate(called.value)
        async with asyncio.timeout(step.timeout_seconds):
            return await activity(
                request, **{need: _provide(need, called.run, step_context, durable) for need in needs}
            )
    except (StepError, Pending, TimeoutError):
        raise
    except Exception as bug:  # noqa: BLE001 - the boundary: nothing of its text may leave
        where = traceback.extract_tb(bug.__traceback__)[-1]
        file, line = where.filename, where.lineno or 0
        log(
            "step_broke",
            step=step.name,
            error=type(bug).__name__,
            file=file,
            line=line,
        )
        raise StepBroke(f"{step.name}: {type(bug).__name__}") from None


@cache
def _activity(package: str, name: str) -> tuple[Activity, tuple[str, ...]]:
    """The function `name` of `<package>/<name>.py`, and the clients that its parameters name."""
    activity: Activity = getattr(import_module(f"{package}.{name}"), name)
    return activity, tuple(signature(activity).parameters)[1:]


def _provide(need: str, run: str, step_context: StepContext, durable: Any) -> Any:
    clients = current_clients()
    match need:
        case "artifacts":
            return clients.store.of_run(run)
        case "sessions":
            return Sessions(clients.store, run.partition("-")[0])
        case "records":
            return RunRecords(clients.store, run.partition("-")[0])
        case "deletion_log":
            return DeletionLog(clients.store, run)
        case "histories":
            return DurableHistories(durable)
        case "model":
            return clients.model(step_context)
        case "step_context":
            return step_context
        case _:
            return getattr(clients, need)
