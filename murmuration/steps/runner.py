"""Run an activity by its step's name: contract in, outcome out.

A failure that an activity foresees becomes an outcome on which the workflow can act. Any other exception is logged by
type and place, and raised again without its text, which might hold content.
"""

import asyncio
import gc
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import PENDING, Done, Failed, Later, Step, StepCall
from murmuration.contracts.usage import Usage
from murmuration.policy.prices import UnknownModel, cost
from murmuration.services.current import current_clients
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
    """An activity raised an exception that it does not foresee: a bug, or an outside that behaves oddly."""


async def run_step(step: Step[Any, Any], message: dict[str, Any], durable: Any = None) -> dict[str, Any]:
    """Make the attempt that `message`, a `StepCall`, asks for; returns `Done`, `Later` or `Failed` as JSON.

    `durable` is the Durable client, for steps that control runs.
    """
    call = StepCall.model_validate(message)
    current_run.set(call.run)
    step_context = StepContext(
        last_attempt=call.attempt == step.attempts, token=call.token, downgrade_model=call.downgrade_model
    )
    began, clock = datetime.now(UTC), time.monotonic()
    bare = await _attempt(step, call, step_context, durable)
    outcome = bare.model_copy(
        update={
            "about": call.about,
            "attempt": call.attempt,
            "began": began,
            "ended": datetime.now(UTC),
            "usage": step_context.usage,
        }
    )
    log(
        "step",
        step=step.name,
        attempt=call.attempt,
        outcome=outcome.outcome,
        code=None if isinstance(outcome, Done) else outcome.code,
        seconds=round(time.monotonic() - clock, 3),
        tenant=call.run.partition("-")[0],
        agent=",".join(step_context.prompts) or None,
        model=",".join(step_context.usage.by_model) or None,
        tokens=step_context.usage.tokens,
        micro_dollars=_cost(step_context.usage),
    )
    _freeze_libraries(step.name)
    return outcome.model_dump(mode="json")


async def _attempt(
    step: Step[Any, Any], call: StepCall, step_context: StepContext, durable: Any
) -> Done | Later | Failed:
    """Call the activity and turn whatever it may raise into an outcome; raises `StepBroke`."""
    try:
        value = await _perform(step, call, step_context, durable)
    except Pending as pending:
        return Later(code=PENDING, token=pending.token)
    except RetryLater as problem:
        return Later(code=problem.code, seconds=problem.seconds, token=step_context.token)
    except TimeoutError:
        return Later(code="step_timeout", token=step_context.token)
    except StepError as problem:
        return Failed(code=problem.code, message=str(problem))
    except SettingsError as problem:
        return Failed(code="settings_error", message=str(problem))
    return Done(
        value=value.model_dump(mode="json"),
        prompts=step_context.prompts,
        models=tuple(sorted(step_context.models)),
        degraded=tuple(sorted(step_context.degraded)),
    )


def _cost(usage: Usage) -> int | None:
    """Compute micro-dollars by today's prices, not the run's frozen ones; None when a model has no price."""
    try:
        return cost(usage.by_model, prices_for(current_clients().settings))
    except (SettingsError, UnknownModel):
        return None


@cache
def _freeze_libraries(_step: str) -> None:
    """Keep the libraries that the step's first call has loaded out of garbage collection: going through them all would
    stop every step and replay of the process for 0.2 s."""
    gc.freeze()


async def _perform(step: Step[Any, Any], call: StepCall, step_context: StepContext, durable: Any) -> Contract:
    """Call the activity with its clients, within the row's timeout."""
    activity, needs = _activity(step.package, step.name)
    try:
        request = step.takes.model_validate(call.value)
        async with asyncio.timeout(step.timeout_seconds):
            return await activity(request, **{need: _provide(need, call.run, step_context, durable) for need in needs})
    except (StepError, SettingsError, Pending, TimeoutError):
        raise
    except Exception as bug:  # noqa: BLE001 - the boundary: nothing of its text may leave
        where = traceback.extract_tb(bug.__traceback__)[-1]
        file, line = where.filename, where.lineno or 0
        log("step_broke", step=step.name, error=type(bug).__name__, file=file, line=line)
        raise StepBroke(f"{step.name}: {type(bug).__name__}") from None


@cache
def _activity(package: str, name: str) -> tuple[Activity, tuple[str, ...]]:
    """Import the function `name` of `<package>/<name>.py`; returns it and the names of the clients it takes."""
    activity: Activity = getattr(import_module(f"{package}.{name}"), name)
    return activity, tuple(signature(activity).parameters)[1:]


def _provide(need: str, run: str, step_context: StepContext, durable: Any) -> Any:
    """Return the client that an activity's parameter names."""
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
