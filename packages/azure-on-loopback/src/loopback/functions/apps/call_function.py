"""Calling a function of the app: on the loop if it is asynchronous, else in a thread, within functionTimeout."""

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
"""Takes the arguments by name, returns the function's result."""


class TimedOut(Exception):
    """The function took longer than host.json's functionTimeout."""


class FunctionExited(Exception):
    """The function ended in a way that would have ended its caller, too."""


class TraceContext:
    """A request's W3C trace headers, or none."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.trace_parent = self.Traceparent = headers.get("traceparent", "")
        self.trace_state = self.Tracestate = headers.get("tracestate", "")
        self.attributes = self.Attributes = dict[str, str]()


class RetryContext:
    """The number of this retry and the limit of the function's policy."""

    def __init__(self, retry_count: int = 0, max_retry_count: int = 0) -> None:
        self.retry_count = retry_count
        self.max_retry_count = max_retry_count
        self.exception = None


class Context(func.Context):
    """The value of a function's `context` parameter."""

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


class FunctionCaller:
    """Makes the functions of the app in `folder` callable for the host."""

    def __init__(self, folder: Path, timeout: timedelta | None, threads: DaemonThreads) -> None:
        self._folder = folder
        self._timeout = timeout
        self._threads = threads

    def wrap(self, function: Callable[..., Any], name: str) -> Call:
        """Return a coroutine function that calls `function`, which is known as `name`.

        The arguments may have `_headers` and `_retry` for the context; the function does not get them.
        """
        takes_context = "context" in inspect.signature(function).parameters
        asynchronous = inspect.iscoroutinefunction(function)

        async def call(arguments: dict[str, Any]) -> Any:
            own = dict(arguments)
            headers, retry = own.pop("_headers", {}), own.pop("_retry", None)
            if takes_context and "context" not in own:
                own["context"] = Context(name, self._folder, headers, retry or RetryContext())
            work = function(**own) if asynchronous else self._in_thread(functools.partial(function, **own))
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
                raise FunctionExited(f"the function called sys.exit({error})") from error
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # the host has cancelled it
                raise FunctionExited("the function was cancelled by its own code") from error

        return call

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        context = contextvars.copy_context()
        return await asyncio.wrap_future(self._threads.submit(context.run, call))
