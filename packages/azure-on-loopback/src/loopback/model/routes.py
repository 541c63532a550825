"""The wire: /responses, /chat/completions, /embeddings, /models, under /v1 and /openai/v1."""

import asyncio
import base64
import json
import math
import time
import uuid
from typing import Any

from aiohttp import web

from loopback.model.background import Background
from loopback.model.embedders import Embedders, InTurn, all_embedders, chosen
from loopback.model.problems import Fault
from loopback.model.script import Script
from loopback.model.skills import OFFLINE, Skills
from loopback.model.tokens import count_tokens

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_INPUTS = 2_048
BASES = ("/v1", "/openai/v1")


class ModelService:
    def __init__(self, embedders: Embedders, skills: Skills) -> None:
        self._skills = skills
        self.script = Script()
        self._embedders = embedders
        self._in_turn = InTurn()
        self.background = Background(self.script)
        self._under_way = 0
        """Calls that a script delays."""

    def routes(self) -> list[web.RouteDef]:
        return [
            route
            for base in BASES
            for route in (
                web.post(base + "/responses", self.respond),
                *self.background.routes(base),
                web.post(base + "/chat/completions", self.chat),
                web.post(base + "/embeddings", self.embed),
                web.get(base + "/models", self.models),
            )
        ]

    async def respond(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        message = _last_message(body.get("input"), "input")
        form = (body.get("text") or {}).get("format") or {}
        schema = form.get("schema") if form.get("type") == "json_schema" else None
        if body.get("background") and body.get("store") is False:
            raise Fault(400, "background needs store", param="store")
        call = await self._scripted(request, form.get("name") or "", message)
        text, refusal, cut_off = await self._complete(call, form.get("name"), schema, message)
        given = json.dumps([body.get("instructions"), body.get("input")], ensure_ascii=False)
        part = (
            {"type": "refusal", "refusal": refusal}
            if refusal
            else {"type": "output_text", "text": text, "annotations": []}
        )
        used, made = count_tokens(given), count_tokens(text)
        usage = {
            "input_tokens": used,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": used + made,
        }
        self.script.saw(form.get("name") or "", message, input_tokens=used, output_tokens=made)
        answer = {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "incomplete" if cut_off else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut_off else None,
            "model": self._skills.name,
            "output": [
                {
                    "type": "message",
                    "id": f"msg_{uuid.uuid4().hex}",
                    "status": "incomplete" if cut_off else "completed",
                    "role": "assistant",
                    "content": [part],
                }
            ],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage,
        }
        return web.json_response(self.background.begin(answer, call) if body.get("background") else answer)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        message = _last_message(body.get("messages"), "messages")
        form = (body.get("response_format") or {}).get("json_schema") or {}
        call = await self._scripted(request, form.get("name") or "", message)
        text, refusal, cut_off = await self._complete(call, form.get("name"), form.get("schema"), message)
        used, made = count_tokens(json.dumps(body["messages"], ensure_ascii=False)), count_tokens(text)
        self.script.saw(form.get("name") or "", message, input_tokens=used, output_tokens=made)
        choice = {
            "index": 0,
            "finish_reason": "length" if cut_off else "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": None if refusal else text, "refusal": refusal},
        }
        answer = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self._skills.name,
            "choices": [choice],
            "usage": {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made},
        }
        return web.json_response(answer)

    async def _complete(
        self, call: dict[str, Any], agent: str | None, schema: dict[str, Any] | None, message: str
    ) -> tuple[str, str | None, bool]:
        """The text of the reply, or a refusal, and whether it was cut off; as scripted, if it was."""
        if "refusal" in call:
            return "", str(call["refusal"]), False
        if "reply" in call:
            scripted = call["reply"]
            return scripted if isinstance(scripted, str) else json.dumps(scripted), None, False
        if call.get("malformed"):
            return "Certainly! Here is what you asked for: {", None, False
        text = await asyncio.to_thread(self._skills.reply, agent, schema, message)
        return (text[: len(text) // 2], None, True) if call.get("truncated") else (text, None, False)

    async def _scripted(self, request: web.Request, agent: str, message: str) -> dict[str, Any]:
        call = self.script.take(agent, message)
        if self._under_way >= call.get("at_once", math.inf):
            self.script.saw(agent, message, status=429)
            raise Fault(429, "too many at once")
        self._under_way += 1
        try:
            await asyncio.sleep(float(call.get("delay", 0)))
        finally:
            self._under_way -= 1
        if call.get("cut") and request.transport is not None:
            request.transport.close()
        if "status" in call:
            self.script.saw(agent, message, status=call["status"])
            code, param = call.get("error"), call.get("param")
            fault = Fault(int(call["status"]), "as the script says", param=param, code=code)
            fault.retry_after = call.get("retry_after")
            raise fault
        return call

    async def embed(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise Fault(400, "input must be a text or a list of texts", param="input")
        if len(texts) > MAX_INPUTS:
            raise Fault(400, f"input has {len(texts)} texts, at most {MAX_INPUTS} are taken", param="input")
        dimensions = body.get("dimensions")
        if dimensions is not None and type(dimensions) is not int:
            raise Fault(400, f"dimensions is {dimensions!r}: not a whole number", param="dimensions")
        embedder = chosen(self._embedders, body["model"])
        await self._scripted(request, "embeddings", texts[0])
        vectors = await self._in_turn.embed(embedder, texts, dimensions)
        floats = body.get("encoding_format") != "base64"
        used = sum(len(text) for text in texts) // 4
        self.script.saw("embeddings", texts[0], texts=len(texts))
        rows = [
            {
                "object": "embedding",
                "index": number,
                "embedding": vector.tolist() if floats else base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            }
            for number, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": used, "total_tokens": used}
        return web.json_response({"object": "list", "model": embedder.name, "data": rows, "usage": usage})

    async def models(self, _: web.Request) -> web.Response:
        described = {self._skills.name: self._skills.description}
        described |= {name: embedder.description for name, embedder in self._embedders.items()}
        rows = [
            {"id": name, "object": "model", "created": 0, "owned_by": "murmuration", "description": description}
            for name, description in described.items()
        ]
        return web.json_response({"object": "list", "data": rows})

    async def healthy(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "model": self._skills.name})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Fault(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise Fault(400, "you must provide a model parameter", param="model")
    if body.get("stream"):
        raise Fault(400, "stream is not supported here", param="stream")
    return body


def _last_message(given: Any, param: str) -> str:
    """The text of the last message of the user, or of the first when the others are about mending a reply."""
    if isinstance(given, str):
        return given
    rows = [row for row in given or [] if isinstance(row, dict) and row.get("role") == "user"]
    if not rows:
        raise Fault(400, f"{param} must hold a message of the user", param=param)
    for row in (rows[-1], rows[0]):
        content = row.get("content")
        text = content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content or [])
        if text.lstrip().startswith("{"):
            return text
    return text


@web.middleware
async def _answered(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except Fault as fault:
        return fault.response()
    return answer


async def make_app(embedders: Embedders | None = None, skills: Skills = OFFLINE) -> web.Application:
    """The service; without `embedders` it has all that there are."""
    service = ModelService(all_embedders() if embedders is None else embedders, skills)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_answered])
    app.router.add_get("/healthz", service.healthy)
    app.add_routes(service.routes())
    app.add_routes(service.script.routes())
    return app
