"""What a function is given that a timer, a message, a blob or an event has started: azure.functions' own types."""

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
    """`body` has IsPastDue and ScheduleStatus."""
    return TimerRequestConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata={})


def message(body: Mapping[str, Any], number: int, tries: int) -> Any:
    """`body` has the message's `text` and when it was `queued`."""
    far, queued = Datum("9999-12-31T23:59:59+00:00", "string"), Datum(body["queued"], "string")
    metadata = {
        "Id": Datum(str(number), "string"),
        "DequeueCount": Datum(tries, "int"),
        "InsertionTime": queued,
        "NextVisibleTime": queued,
        "ExpirationTime": far,
        "PopReceipt": Datum(str(number), "string"),
    }
    return QueueMessageInConverter.decode(Datum(body["text"], "string"), trigger_metadata=metadata)


def event(body: Mapping[str, Any]) -> Any:
    """`body` is the event, in Event Grid's schema or as a CloudEvent."""
    return EventGridEventInConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata={})


async def blob(body: Mapping[str, Any], folder: Path) -> Any:
    """`body` has the blob's `name` (container and path) and perhaps its `url`; raises `FileNotFoundError`."""
    content = await _content(body, folder)
    metadata = {
        "BlobTrigger": Datum(body["name"], "string"),
        "Uri": Datum(body.get("url") or body["name"], "string"),
        "Properties": Datum(json.dumps({"Length": len(content)}), "json"),
        "Metadata": Datum("{}", "json"),
    }
    return BlobConverter.decode(Datum(content, "bytes"), trigger_metadata=metadata)


async def _content(body: Mapping[str, Any], folder: Path) -> bytes:
    kept = _kept(folder, body["name"])
    if kept is not None:
        return kept
    url = body.get("url")
    if url and url.startswith("http"):
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url) as answer:
            return bytes(await answer.read())
    raise FileNotFoundError(f"no blob {body['name']!r} in {str(folder)!r}")


def _kept(folder: Path, name: str) -> bytes | None:
    path = (folder / name).resolve()
    return path.read_bytes() if path.is_relative_to(folder.resolve()) and path.is_file() else None


def blob_name(url: str) -> str:
    """Container and path of a blob's URL. The emulator has the account's name before them."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    local = re.fullmatch(r"localhost|[\d.]+", parts.hostname or "")
    return path.partition("/")[2] if local else path


def fits(path: str, name: str) -> bool:
    """Whether a blob's name is one of a trigger's path, such as `samples/{name}.txt`."""
    pieces = re.split(r"\{[^}]*\}", path.strip("/"))
    return (
        re.fullmatch(".+".join(re.escape(piece) for piece in pieces) + ("" if len(pieces) > 1 else "(/.*)?"), name)
        is not None
    )
