"""Versions of workflows: a run is started as one, and goes on with code that knows it, or is refused."""

from collections.abc import Collection

from murmuration.durable.errors import WorkflowError

VERSIONS: dict[str, str] = {}
"""The version as which a workflow is started, by name; the others have `defaultVersion` of host.json."""


def version_of(workflow: str) -> str | None:
    """Return the version as which the workflow is started; None: that of host.json."""
    return VERSIONS.get(workflow)


def check_version(workflow: str, run: str, known: Collection[str]) -> None:
    """Raise `WorkflowError` for a run of a version that the workflow does not know; one that names none knows all."""
    if known and run not in known:
        versions = " and ".join(known)
        raise WorkflowError(
            "unknown_version",
            f"{workflow} knows {versions}, and this run began as {run or 'a run without a version'}: "
            "deploy code that knows it, or start the run again",
        )
