"""The Durable SDK as this host runs it: its own replay, without the work that it repeats for nothing.

At every replay the SDK parses each date with a parser that guesses the format, looks up a setting and makes a JSON
decoder for each value, makes the same class anew, and asks `typing` what is callable. Together that is most of a
replay's time. The replacements here return what the SDK's own code returns.
"""

import asyncio
import collections.abc
import functools
import json
import sys
from collections import namedtuple
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from azure.durable_functions.models.DurableOrchestrationContext import DurableOrchestrationContext
from azure.durable_functions.models.history import HistoryEvent
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor
from azure.durable_functions.models.utils import http_utils
from azure.functions import _durable_functions as codec
from dateutil.tz import tzutc

MAX_CACHED_DATES = 20_000
_UTC = tzutc()
# Classes hide their modules of the same name, so the modules are looked up by the classes.
_events, _contexts, _executors = (
    sys.modules[owner.__module__] for owner in (HistoryEvent, DurableOrchestrationContext, TaskOrchestrationExecutor)
)
_guess_date = _events.dt_parse
_is_strict = codec._is_strict_mode


@functools.lru_cache(maxsize=MAX_CACHED_DATES)
def parse_date(text: str) -> datetime:
    """Return the value, of the type, that the SDK's own parser returns; a history's dates come again every episode."""
    if len(text) == len("2026-01-01T00:00:00.000000Z") and text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    date: datetime = _guess_date(text)
    return date


_decoder = functools.cache(lambda hook: json.JSONDecoder(object_hook=hook))
_encoder = functools.cache(lambda default: json.JSONEncoder(default=default))


def _loads(text: Any, object_hook: Any = None) -> Any:
    if type(text) is not str:
        return json.loads(text, object_hook=object_hook)
    # The SDK's own hook looks for values of the app's classes, which name their class.
    names_a_class = "__class__" in text or "\\u" in text
    return _decoder(object_hook if names_a_class else None).decode(text)


def _dumps(value: Any, default: Any = None) -> str:
    return str(_encoder(default).encode(value))


def speed_up_sdk() -> None:
    """Let the SDK use the replacements. The setting that it would look up each time is read once, here."""
    strict = _is_strict()
    codec._is_strict_mode = lambda: strict
    vars(codec)["json"] = SimpleNamespace(**{**vars(json), "loads": _loads, "dumps": _dumps})
    vars(_events)["dt_parse"] = parse_date
    vars(_contexts)["Callable"] = collections.abc.Callable
    vars(_executors)["namedtuple"] = functools.lru_cache(namedtuple)


async def close_client() -> None:
    """Close the session that all clients of the process share, on its own loop: the next host has another loop."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()
