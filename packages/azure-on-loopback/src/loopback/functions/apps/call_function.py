"""Calls a function of the app: on the loop when it is asynchronous, in a thread when it is not, within its time."""

import asyncio
import contextvars
import functools
import inspect
import threading
import uuid
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func

from loopback.functions.threads import DaemonThreads

Call = Callable[[dict[str, Any]], Coroutine[Any, Any, Any]]
"""Arguments by name -> what the function returns."""


class TimedOut(Exception):
    """The function took longer than host.json's functionTimeout."""


class Ended(Exception):
    """The function ended in a way that would end its caller."""


class TraceContext:
    """A request's W3C trace headers, or none."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.trace_parent = self.Traceparent = headers.get("traceparent", "")
        self.trace_state = self.Tracestate = headers.get("tracestate", "")
        self.attributes = self.Attributes = dict[str, str]()


class RetryContext:
    """Which try this is, of how many retries."""

    def __init__(self, retry_count: int = 0, max_retry_count: int = 0) -> None:
        self.retry_count = retry_count
        self.max_retry_count = max_retry_count
        self.exception = None


class Context(func.Context):
    """What a function's `context` parameter holds."""

    thread_local_storage = threading.local()  # type: ignore[assignment]
    invocation_id = ""
    function_name = ""
    function_directory = ""
    trace_context = TraceContext({})  # type: ignore[assignment]
    retry_context = RetryContext()  # type: ignore[assignment]

    def __init__(self, name: str, folder: Path, headers: Mapping[str, str], retry: RetryContext) -> None:
        self.invocation_id = str(uuid.uuid4())
        self.function_name = name
        self.function_directory = str(folder)
        self.trace_context = TraceContext(headers)
        self.retry_context = retry


class Caller:
    """Calls functions of the app in `folder`."""

    def __init__(self, folder: Path, timeout: timedelta | None, threads: DaemonThreads) -> None:
        self._folder = folder
        self._timeout = timeout
        self._threads = threads

    def of(self, function: Callable[..., Any], name: str) -> Call:
        """How to call `function`, which is known as `name`.

        The arguments may have `_headers` and `_retry` for the context; they go no further.
        """
        takes_context = "context" in inspect.signature(function).parameters
        asynchronous = inspect.iscoroutinefunction(function)

        async def call(arguments: dict[str, Any]) -> Any:
            given = dict(arguments)
            headers, retry = given.pop("_headers", {}), given.pop("_retry", None)
            if takes_context and "context" not in given:
                given["context"] = Context(name, self._folder, headers, retry or RetryContext())
            work = function(**given) if asynchronous else self._in_thread(functools.partial(function, **given))
            try:
                async with asyncio.timeout(self._timeout.total_seconds() if self._timeout else None) as limit:
                    return await work
            except TimeoutError as error:
                if not limit.expired():
                    raise
                if not asynchronous:
                    self._threads.abandon_one()
                raise TimedOut(f"Timeout value of {self._timeout} exceeded by function: {name}") from error
            except SystemExit as error:
                raise Ended(f"the function called sys.exit({error})") from error
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # it is the host that gives it up
                raise Ended("the function was cancelled by its own code") from error

        return call

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        copied = contextvars.copy_context()
        return await asyncio.wrap_future(self._threads.submit(copied.run, call))
