"""The Durable SDK as this host drives it: its own replay, less what it does again and again for nothing.

Every replay parses each date with a parser that guesses the format, looks up a setting and makes a JSON decoder for
each value, makes the same class anew, and asks `typing` what is callable. Together that is most of the time a replay
takes. What stands in for them gives what the SDK's own gives.
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

KEPT_DATES = 20_000
_UTC = tzutc()
# Classes hide their modules of the same name.
_events, _contexts, _executors = (
    sys.modules[each.__module__] for each in (HistoryEvent, DurableOrchestrationContext, TaskOrchestrationExecutor)
)
_guess = _events.dt_parse
_is_strict = codec._is_strict_mode


@functools.lru_cache(maxsize=KEPT_DATES)
def parse(text: str) -> datetime:
    """The same value, of the same type, as the SDK's own parser gives; a history's dates come again every episode."""
    if len(text) == len("2026-01-01T00:00:00.000000Z") and text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    parsed: datetime = _guess(text)
    return parsed


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


def quicken() -> None:
    """Let the SDK use these; called when the app is loaded, for its settings stay as they are then."""
    strict = _is_strict()
    codec._is_strict_mode = lambda: strict
    vars(codec)["json"] = SimpleNamespace(**{**vars(json), "loads": _loads, "dumps": _dumps})
    vars(_events)["dt_parse"] = parse
    vars(_contexts)["Callable"] = collections.abc.Callable
    vars(_executors)["namedtuple"] = functools.lru_cache(namedtuple)


async def close_client() -> None:
    """Close the session that all clients of a process share, on its own loop; another host may have another loop."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()
