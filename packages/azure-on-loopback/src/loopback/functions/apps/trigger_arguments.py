"""The arguments of functions that a timer, a message, a blob or an event starts, as azure.functions' own types."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from azure.functions.blob import BlobConverter
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter
from azure.functions.timer import TimerRequestConverter


def timer(body: Mapping[str, Any]) -> Any:
    """Make a TimerRequest; `body` has IsPastDue and ScheduleStatus."""
    return TimerRequestConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata={})


def message(body: Mapping[str, Any], number: int, attempt: int) -> Any:
    """Make a QueueMessage; `body` has its `text` and the time at which it was `queued`."""
    never, queued = Datum("9999-12-31T23:59:59+00:00", "string"), Datum(body["queued"], "string")
    metadata = {
        "Id": Datum(str(number), "string"),
        "DequeueCount": Datum(attempt, "int"),
        "InsertionTime": queued,
        "NextVisibleTime": queued,
        "ExpirationTime": never,
        "PopReceipt": Datum(str(number), "string"),
    }
    return QueueMessageInConverter.decode(Datum(body["text"], "string"), trigger_metadata=metadata)


def event(body: Mapping[str, Any]) -> Any:
    """Make an EventGridEvent; `body` is the event, in Event Grid's schema or as a CloudEvent."""
    return EventGridEventInConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata={})


async def blob(body: Mapping[str, Any], folder: Path) -> Any:
    """Make an InputStream; `body` has the blob's `name` (container and path) and may have its `url`.

    Raises `FileNotFoundError` if the blob is neither in `folder` nor at its URL.
    """
    content = await _content(body, folder)
    metadata = {
        "BlobTrigger": Datum(body["name"], "string"),
        "Uri": Datum(body.get("url") or body["name"], "string"),
        "Properties": Datum(json.dumps({"Length": len(content)}), "json"),
        "Metadata": Datum("{}", "json"),
    }
    return BlobConverter.decode(Datum(content, "bytes"), trigger_metadata=metadata)


async def _content(body: Mapping[str, Any], folder: Path) -> bytes:
    content = _read_file(folder, body["name"])
    if content is not None:
        return content
    url = body.get("url")
    if url and url.startswith("http"):
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url) as answer:
            return bytes(await answer.read())
    raise FileNotFoundError(f"no blob {body['name']!r} in {str(folder)!r}")


def _read_file(folder: Path, name: str) -> bytes | None:
    """Read a blob that is a file of `folder`. A name that leads out of the folder names none."""
    path = (folder / name).resolve()
    return path.read_bytes() if path.is_relative_to(folder.resolve()) and path.is_file() else None


def blob_name(url: str) -> str:
    """Return container and path of a blob's URL. In an emulator's URL the account's name stands before them."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    emulator = re.fullmatch(r"localhost|[\d.]+", parts.hostname or "")
    return path.partition("/")[2] if emulator else path


def matches(pattern: str, name: str) -> bool:
    """Tell whether a blob's name matches a trigger's path, such as `samples/{name}.txt`."""
    literals = re.split(r"\{[^}]*\}", pattern.strip("/"))
    # A path without a parameter names a container or a folder, and stands for all that is in it.
    below = "" if len(literals) > 1 else "(/.*)?"
    return re.fullmatch(".+".join(map(re.escape, literals)) + below, name) is not None
