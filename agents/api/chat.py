"""`POST /v1/chat/completions`: one question in, its answer as a stream or whole."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai.types.chat import ChatCompletion

from agents.answer import answer
from agents.api.access import Needs, Workspace, asker_of, count_answer
from agents.api.asked import Asked, ChatRequest, read_request, text_of
from agents.api.flow import Flow
from agents.api.metrics import Metrics
from agents.api.models import names_asset
from agents.api.problems import PROBLEMS, failed_body, status_of
from agents.api.tools import speak_with_tools
from agents.api.written import Item, Piece, Written
from rag.catalogue import with_existing
from workbench.chat.consents import CONSENTS
from workbench.chat.events import Calling
from workbench.settings import Settings

STREAM = "text/event-stream"
CLOSED = 499  # the client has left; nobody reads it
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {STREAM: {"schema": {"type": "string"}}}, "description": "The answer"}
}
router = APIRouter(tags=["chat"], responses=PROBLEMS)


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses=ANSWERS,
    dependencies=[Depends(Needs("chat"))],
)
async def complete(asked: ChatRequest, request: Request, settings: Workspace) -> Response:
    """Answer the last message; the turns before it are its history.

    The answer is in OpenAI's shape, as chunks where `stream` is true. Its field `workbench` has
    what the shape has no place for: `mode`, `sources`, `queries`, `tables`, `charts`, `steps`,
    `notices`, `lineage`. Closing the connection stops the model and the query.
    """
    if names_asset(asked.model):
        read = await run_in_threadpool(read_request, asked, settings)
    else:
        read = read_request(asked, settings)  # nothing is looked up: a thread would cost more
    if asker_of(request).person:
        await run_in_threadpool(count_answer, request)
    address = str(request.base_url).rstrip("/")
    prompt = "\n".join(text_of(message) for message in asked.messages)
    written = Written(asked.stops, asked.most_tokens, prompt, address)
    reply = _Reply(asked, written, request.app.state.metrics)
    admission = request.app.state.admission
    flow = await Flow.entered(lambda: _events(asked, read, settings), settings, admission)
    if asked.stream:
        return _Streamed(reply.chunks(flow), flow)
    return await reply.whole(flow, request)


def _events(asked: ChatRequest, read: Asked, settings: Settings) -> Generator[Item, None, None]:
    if read.tools:
        yield from speak_with_tools(asked, read.settings)
        return
    for event in answer(read.text, read.history, with_existing(read.settings), read.mode):
        if isinstance(event, Calling) and event.consent:
            CONSENTS.decide(event.consent, "no")  # no person is here who could allow it
        yield event


class _Streamed(StreamingResponse):
    """The answer as it grows. It is left even where the client goes before the first chunk."""

    def __init__(self, chunks: AsyncGenerator[str, None], flow: Flow[Item]) -> None:
        super().__init__(chunks, media_type=STREAM)
        self._flow = flow

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._flow.leave()


class _Reply:
    """An answer on its way to a client."""

    def __init__(self, asked: ChatRequest, written: Written, metrics: Metrics) -> None:
        self._asked = asked
        self._written = written
        self._metrics = metrics
        self._begun = time.monotonic()
        self._head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "created": int(time.time()),
            "model": asked.model,
        }

    async def pieces(self, flow: Flow[Item]) -> AsyncGenerator[Piece, None]:
        """What each event adds, until the answer has ended. Leaving it stops the answer."""
        written = self._written
        first = True
        async with aclosing(flow.items()) as items:
            async for item in items:
                piece = written.take(item)
                if first and piece.delta:
                    first = False
                    self._metrics.first_piece(time.monotonic() - self._begun)
                yield piece
                if written.ended:
                    break
        if written.ended and not written.failed:
            self._metrics.used(written.usage)

    async def whole(self, flow: Flow[Item], request: Request) -> Response:
        """The answer as one object; nothing more is asked once the client has left."""
        async with aclosing(self.pieces(flow)) as pieces:
            async for _ in pieces:
                if await request.is_disconnected():
                    return Response(status_code=CLOSED)
        failed = self._written.failed
        if failed:
            body = failed_body(failed.kind, failed.problem, failed.fix)
            return JSONResponse(body, status_of(failed.kind))
        choice = {
            "index": 0,
            "message": self._written.message(),
            "finish_reason": self._written.finish,
            "logprobs": None,
        }
        body = self._head | {"object": "chat.completion", "choices": [choice]}
        body |= {"usage": self._written.usage, "workbench": self._written.workbench}
        return JSONResponse(body)

    async def chunks(self, flow: Flow[Item]) -> AsyncGenerator[str, None]:
        """The answer as server-sent events."""
        yield self._chunk(Piece({"role": "assistant", "content": ""}))
        async with aclosing(self.pieces(flow)) as pieces:
            async for piece in pieces:
                if piece.delta or piece.workbench:
                    yield self._chunk(piece)
        failed = self._written.failed
        if failed:
            yield _event(failed_body(failed.kind, failed.problem, failed.fix))
            return
        yield self._chunk(self._written.last(), self._written.finish)
        if self._asked.tells_usage:
            usage = {"object": "chat.completion.chunk", "choices": [], "usage": self._written.usage}
            yield _event(self._head | usage)
        yield "data: [DONE]\n\n"

    def _chunk(self, piece: Piece, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": piece.delta, "finish_reason": finish, "logprobs": None}
        body = self._head | {"object": "chat.completion.chunk", "choices": [choice]}
        if piece.workbench:
            body["workbench"] = piece.workbench
        return _event(body)


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
