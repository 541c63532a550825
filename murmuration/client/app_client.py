"""Speaks HTTP to the app, as anyone would."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

LOOK_SECONDS = 0.1
READING_WAIT_SECONDS = 200
DOCUMENTS_AT_ONCE = 100
"""As many as one request to forget takes."""
OVER = ("completed", "failed", "terminated")


class AppRefused(Exception):
    """The app answered with a problem; the message is its detail."""


class AppClient:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def read(self, documents: list[dict[str, str]]) -> dict[str, Any]:
        """Have documents read; returns the report."""
        body = {"documents": documents, "wait": READING_WAIT_SECONDS}
        answer = await self._call("POST", "/api/documents", body)
        while answer.get("status", "running") not in OVER:
            await asyncio.sleep(1)
            answer = await self._call("GET", f"/api/documents/{answer['id']}")
        if answer["report"] is None:
            raise AppRefused(f"reading ended as {answer['status']}")
        report: dict[str, Any] = answer["report"]
        return report

    async def sources(self) -> list[str]:
        """The documents that are in the index."""
        found: list[str] = []
        answer: dict[str, Any] = {"next": ""}
        while answer["next"] is not None:
            answer = await self._call("GET", "/api/documents", query={"after": answer["next"]})
            found += [each["source"] for each in answer["documents"]]
        return found

    async def forget(self, sources: Sequence[str]) -> None:
        """Have documents forgotten, with what was learned from them; raises `AppRefused` when it is not verified."""
        for start in range(0, len(sources), DOCUMENTS_AT_ONCE):
            body = {"documents": list(sources[start : start + DOCUMENTS_AT_ONCE])}
            answer = await self._call("POST", "/api/forget", body)
            shown = {"status": "running"}
            while shown["status"] not in OVER:
                await asyncio.sleep(LOOK_SECONDS)
                shown = await self._call("GET", f"/api/forget/{answer['id']}")
            if shown["status"] != "completed":
                raise AppRefused(f"forgetting {answer['id']} ended as {shown['status']}")

    async def start(self, goal: str) -> str:
        """Start a run; returns its id."""
        return str((await self._call("POST", "/api/goals", {"goal": goal}))["id"])

    async def watch(self, run: str) -> AsyncIterator[dict[str, Any]]:
        """The run's state, again and again, the last time with its outcome."""
        while True:
            state = await self._call("GET", f"/api/goals/{run}")
            yield state
            if state["status"] in OVER:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._url + path, json=body, params=query) as answer:
                found = await answer.json(content_type=None)
                if answer.status >= 400:
                    detail = found.get("detail") if isinstance(found, dict) else None
                    raise AppRefused(str(detail or f"the app answered {answer.status}"))
                return dict(found)
        except (aiohttp.ClientError, ValueError) as error:
            raise AppRefused(f"the app can't be reached: {error}") from error


@asynccontextmanager
async def app_client(url: str) -> AsyncIterator[AppClient]:
    timeout = aiohttp.ClientTimeout(total=READING_WAIT_SECONDS + 60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield AppClient(session, url)
