"""What an app on this library deploys: its workflows and entities, its steps, and approval by people."""

from collections.abc import Sequence
from typing import Any

import azure.durable_functions as df

import murmuration.approval.approval_gate  # noqa: F401 - registers the workflow
from murmuration.approval.web.routes import approvals
from murmuration.contracts.steps import LIBRARY_STEPS, Step
from murmuration.durable.registry import ENTITIES, WORKFLOWS
from murmuration.steps.functions import steps_blueprint

__all__ = ["register"]


def register(app: df.DFApp, steps: Sequence[Step[Any, Any]] = ()) -> None:
    """Register with `app` all workflows and entities that are imported, the library's own among them, the routes by
    which people approve, and an activity function for each of the library's steps and of `steps`.

    Raises `StepMisconfigured`.
    """
    app.register_functions(approvals)
    app.register_functions(steps_blueprint((*LIBRARY_STEPS, *steps)))
    for workflow in WORKFLOWS.values():
        app.orchestration_trigger(context_name="context", orchestration=workflow.__name__)(workflow)
    for entity in ENTITIES.values():
        app.entity_trigger(context_name="context", entity_name=entity.__name__)(entity)
