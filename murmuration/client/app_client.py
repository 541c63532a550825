"""A client of the app: documents, goals, forgetting."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

POLL_SECONDS = 0.1
READING_WAIT_SECONDS = 200
MAX_FORGOTTEN_AT_ONCE = 100
"""Sources in one request to forget, as the API allows."""
ENDED = ("completed", "failed", "terminated")


class AppRefused(Exception):
    """The app answered with an error, or not at all; the message is its detail."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AppClient:
    """Calls of the HTTP API; each raises `AppRefused` when the app answers with an error."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def health(self) -> dict[str, Any] | None:
        """Return the app's report on itself, with `problems` and `warnings`; None for an app that has none."""
        try:
            return await self._call("GET", "/api/health")
        except AppRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def read(self, documents: list[dict[str, str]]) -> dict[str, Any]:
        """Read documents into the index and return the report; one has source, and content or content_base64."""
        body = {"documents": documents, "wait": READING_WAIT_SECONDS}
        state = await self._call("POST", "/api/documents", body)
        while state.get("status", "running") not in ENDED:
            await asyncio.sleep(1)
            state = await self._call("GET", f"/api/documents/{state['id']}")
        if state["report"] is None:
            raise AppRefused(f"reading ended as {state['status']}")
        report: dict[str, Any] = state["report"]
        return report

    async def sources(self) -> list[str]:
        """Return the sources of all documents in the index."""
        sources: list[str] = []
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            page = await self._call("GET", "/api/documents", query={"after": page["next"]})
            sources += [document["source"] for document in page["documents"]]
        return sources

    async def forget(self, sources: Sequence[str]) -> None:
        """Forget documents and what was learned from them; raises `AppRefused` unless the deletion is verified."""
        for start in range(0, len(sources), MAX_FORGOTTEN_AT_ONCE):
            body = {"documents": list(sources[start : start + MAX_FORGOTTEN_AT_ONCE])}
            run = (await self._call("POST", "/api/forget", body))["id"]
            state = {"status": "running"}
            while state["status"] not in ENDED:
                await asyncio.sleep(POLL_SECONDS)
                state = await self._call("GET", f"/api/forget/{run}")
            if state["status"] != "completed":
                raise AppRefused(f"forgetting {run} ended as {state['status']}")

    async def start(self, goal: str) -> str:
        """Start a run for a goal and return its id."""
        return str((await self._call("POST", "/api/goals", {"goal": goal}))["id"])

    async def watch(self, run: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the run's state again and again; the last one has the outcome."""
        while True:
            state = await self._call("GET", f"/api/goals/{run}")
            yield state
            if state["status"] in ENDED:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._url + path, json=body, params=query) as response:
                answer = await response.json(content_type=None)
                if response.status >= 400 or not isinstance(answer, dict):
                    detail = answer.get("detail") if isinstance(answer, dict) else None
                    message = str(detail or f"{method} {path} was answered with {response.status}")
                    raise AppRefused(message, response.status)
                return answer
        except aiohttp.ClientError as error:
            raise AppRefused(f"the app can't be reached: {error}") from error
        except ValueError as error:
            raise AppRefused(f"the answer to {method} {path} is not JSON", response.status) from error


@asynccontextmanager
async def app_client(url: str) -> AsyncIterator[AppClient]:
    """Open a client of the app at `url`."""
    timeout = aiohttp.ClientTimeout(total=READING_WAIT_SECONDS + 60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield AppClient(session, url)
