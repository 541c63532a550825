"""Deploys an app on this library: its workflows and entities, its steps and agents, and approval by people."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import azure.durable_functions as df

import murmuration.approval.approval_gate  # noqa: F401 - registers the workflow
from murmuration.agents.loader import add_folder, known_agents
from murmuration.approval.web.routes import approvals
from murmuration.contracts.steps import LIBRARY_STEPS, Step
from murmuration.durable.audit import refuse_io_in_workflows
from murmuration.durable.registry import ENTITIES, WORKFLOWS
from murmuration.services.current import in_development
from murmuration.services.telemetry.log import log
from murmuration.steps.functions import steps_blueprint

__all__ = ["register"]


def register(app: df.DFApp, steps: Sequence[Step[Any, Any]] = (), *, agents: Path | None = None) -> None:
    """Register with `app` every workflow and entity that is imported, the approvers' routes, and an activity function
    for each of `steps` and of the library's steps. `agents` is a folder of agents' files beside the library's.

    Raises `StepMisconfigured` and, when the folder is not there, `AgentError`. An agent's file that can't be used is
    logged, and no agent of that name can be asked. In development, workflows are refused I/O that goes past their loop.
    """
    if in_development():
        refuse_io_in_workflows()
    if agents is not None:
        add_folder(agents)
    for problem in known_agents().problems:
        log("agent_unusable", level=logging.WARNING, problem=problem)
    app.register_functions(approvals)
    app.register_functions(steps_blueprint((*LIBRARY_STEPS, *steps)))
    for workflow in WORKFLOWS.values():
        app.orchestration_trigger(context_name="context", orchestration=workflow.__name__)(workflow)
    for entity in ENTITIES.values():
        app.entity_trigger(context_name="context", entity_name=entity.__name__)(entity)
