"""The Durable SDK as this host drives it: its own replay, less what it does again and again for nothing.

Every replay parses the date of every event with a parser that guesses the format, and looks up a setting for every
value. Together that is most of the time a replay takes. Both functions give what the SDK's own give.
"""

import asyncio
import functools
import sys
from datetime import datetime

from azure.durable_functions.models.history import HistoryEvent
from azure.durable_functions.models.utils import http_utils
from azure.functions import _durable_functions as codec
from dateutil.tz import tzutc

KEPT_DATES = 20_000
_UTC = tzutc()
_module = sys.modules[HistoryEvent.__module__]  # the class hides its module of the same name
_guess = _module.dt_parse
_is_strict = codec._is_strict_mode


@functools.lru_cache(maxsize=KEPT_DATES)
def parse(text: str) -> datetime:
    """The same value, of the same type, as the SDK's own parser gives; a history's dates come again every episode."""
    if len(text) == len("2026-01-01T00:00:00.000000Z") and text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    parsed: datetime = _guess(text)
    return parsed


def quicken() -> None:
    """Let the SDK use these; called when the app is loaded, for its settings stay as they are then."""
    strict = _is_strict()
    _module.dt_parse = parse  # type: ignore[attr-defined]
    codec._is_strict_mode = lambda: strict


async def close_client() -> None:
    """Close the session that all clients of a process share, on its own loop; another host may have another loop."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()
