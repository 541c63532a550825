"""Errors of workflows that their authors can mend, each with a stable code."""

from typing import Any

from murmuration.contracts.usage import Usage


class WorkflowError(Exception):
    """A workflow did what can't work; the message names the workflow, the place and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class StepFailed(Exception):
    """A step could not be done: the stable code, a message for people, and what its attempts used."""

    def __init__(self, code: str, message: str, usage: Usage) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.usage = usage


class DurableTaskFailed(Exception):
    """An activity, sub-orchestration or entity broke; the text is what Durable tells of it."""


class ContinueAsNew(BaseException):
    """The workflow begins anew with another input; raised by `Flow.continue_as_new` alone."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Forbidden(RuntimeError):
    """A workflow asked its event loop for I/O, a thread or another loop."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"a workflow can't use {what}: {instead}")


class Suspended(BaseException):
    """The episode is over. It is thrown into every coroutine that is dropped, and raised by all that it asks for."""


class Spinning(Exception):
    """A workflow runs on without ever waiting for anything durable."""
