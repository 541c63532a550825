"""The part of a run's input that all workflows have in common."""

from murmuration.contracts.base import Contract

DEFAULT_TENANT = "default"
"""The tenant of a deployment that names none."""


class Caller(Contract):
    """The sender of a request. From the credential, never from the body."""

    tenant: str
    user: str = ""
    """The person's key (`murmuration.policy.tenancy.user_key`). Empty: the credential, such as a function key, names
    nobody."""


class RunInput(Contract):
    """The input of a workflow."""

    caller: Caller
    forked_from: str | None = None
    """The run that this one continues; None: it starts from the beginning."""
    workflow_version: str = ""
    """The version under which Durable runs it (the workflow's own, or `defaultVersion` in host.json); empty: none."""
