"""The routes /responses, /chat/completions, /embeddings and /models, under /v1 and /openai/v1."""

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from loopback.model.background import BackgroundResponses
from loopback.model.embedders import Embedders, EmbeddingQueue, all_embedders, find_embedder
from loopback.model.errors import ApiError
from loopback.model.script import Script
from loopback.model.skills import DEFAULT_SKILLS, Skills
from loopback.model.tokens import count_tokens
from loopback.model.wire import (
    Reply,
    chat_completion,
    embedding_list,
    question_of,
    request_body,
    response_object,
    texts_to_embed,
)

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_INPUTS = 2_048
BASES = ("/v1", "/openai/v1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Call = dict[str, Any]
"""A scripted call; {} where the script has none."""


class ModelService:
    """One service: an offline model, embedding models, and the script that stages failures."""

    def __init__(self, embedders: Embedders, skills: Skills) -> None:
        self._skills = skills
        self._embedders = embedders
        self._queue = EmbeddingQueue()
        self._script = Script()
        self._background = BackgroundResponses(self._script)
        self._delayed = 0
        """Calls that the script delays at this moment."""

    def routes(self) -> list[web.RouteDef]:
        routes = [web.get("/healthz", self._health), *self._script.routes()]
        for base in BASES:
            routes += [
                web.post(base + "/responses", self._respond),
                *self._background.routes(base),
                web.post(base + "/chat/completions", self._chat),
                web.post(base + "/embeddings", self._embed),
                web.get(base + "/models", self._models),
            ]
        return routes

    async def _respond(self, request: web.Request) -> web.Response:
        body = request_body(await request.read())
        question = question_of(body.get("input"), "input")
        output = (body.get("text") or {}).get("format") or {}
        name, schema = output.get("name") or "", output.get("schema") if output.get("type") == "json_schema" else None
        if body.get("background") and body.get("store") is False:
            raise ApiError(400, "background needs store", param="store")
        call = await self._scripted_call(request, name, question)
        reply = await self._reply(call, name, schema, question)
        tokens = self._record(name, question, [body.get("instructions"), body.get("input")], reply)
        response = response_object(self._skills.name, reply, tokens)
        return web.json_response(self._background.start(response, call) if body.get("background") else response)

    async def _chat(self, request: web.Request) -> web.Response:
        body = request_body(await request.read())
        question = question_of(body.get("messages"), "messages")
        output = (body.get("response_format") or {}).get("json_schema") or {}
        name = output.get("name") or ""
        call = await self._scripted_call(request, name, question)
        reply = await self._reply(call, name, output.get("schema"), question)
        tokens = self._record(name, question, body["messages"], reply)
        return web.json_response(chat_completion(self._skills.name, reply, tokens))

    def _record(self, name: str, question: str, prompt: Any, reply: Reply) -> tuple[int, int]:
        """Record an answered call; returns its tokens, input and output."""
        tokens = count_tokens(json.dumps(prompt, ensure_ascii=False)), count_tokens(reply.text)
        self._script.record(name, question, input_tokens=tokens[0], output_tokens=tokens[1])
        return tokens

    async def _reply(self, call: Call, name: str, schema: dict[str, Any] | None, question: str) -> Reply:
        if "refusal" in call:
            return Reply("", refusal=str(call["refusal"]))
        if "reply" in call:
            scripted = call["reply"]
            return Reply(scripted if isinstance(scripted, str) else json.dumps(scripted))
        if call.get("malformed"):
            return Reply("Certainly! Here is what you asked for: {")
        try:
            text = await asyncio.to_thread(self._skills.reply, name, schema, question)
        except Exception as error:  # a skill is somebody's code and may raise anything
            logging.getLogger(__name__).exception("the skill %r failed", name)
            message = f"the skill {name!r} raised {type(error).__name__}: {error}"
            raise ApiError(500, message, code="skill_failed") from error
        return Reply(text[: len(text) // 2], cut_off=True) if call.get("truncated") else Reply(text)

    async def _scripted_call(self, request: web.Request, agent: str, message: str) -> Call:
        """Take the call from the script and do its delay, cut or error; raises `ApiError`."""
        call = self._script.next_call(agent, message)
        if self._delayed >= call.get("at_once", math.inf):
            self._script.record(agent, message, status=429)
            raise ApiError(429, "the script allows no more calls at once")
        self._delayed += 1
        try:
            await asyncio.sleep(float(call.get("delay", 0)))
        finally:
            self._delayed -= 1
        if call.get("cut") and request.transport is not None:
            request.transport.close()
        if "status" in call:
            self._script.record(agent, message, status=call["status"])
            raise ApiError(
                int(call["status"]),
                "the script orders this error",
                param=call.get("param"),
                code=call.get("error"),
                retry_after=call.get("retry_after"),
            )
        return call

    async def _embed(self, request: web.Request) -> web.Response:
        body = request_body(await request.read())
        texts = texts_to_embed(body, MAX_INPUTS)
        embedder = find_embedder(self._embedders, body["model"])
        await self._scripted_call(request, "embeddings", texts[0])
        vectors = await self._queue.embed(embedder, texts, body.get("dimensions"))
        self._script.record("embeddings", texts[0], texts=len(texts))
        return web.json_response(embedding_list(embedder.name, vectors, texts, body.get("encoding_format")))

    async def _models(self, _: web.Request) -> web.Response:
        described = {self._skills.name: self._skills.description}
        described |= {name: embedder.description for name, embedder in self._embedders.items()}
        rows = [
            {"id": name, "object": "model", "created": 0, "owned_by": "loopback", "description": description}
            for name, description in described.items()
        ]
        return web.json_response({"object": "list", "data": rows})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "model": self._skills.name})


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an `ApiError` as OpenAI does."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()


async def make_app(embedders: Embedders | None = None, skills: Skills = DEFAULT_SKILLS) -> web.Application:
    """Make the service; without `embedders` it has all of them."""
    service = ModelService(all_embedders() if embedders is None else embedders, skills)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_answer_errors])
    app.add_routes(service.routes())
    return app
