"""A model server that costs little and streams 20 tokens a second: fake_model.py PORT.

Its first token is a whole sentence, which the passages of `many_passages` hold: a documents answer
shows nothing before it is known to stand there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

sys.path.insert(0, str(Path(__file__).parent))

from many_passages import ANSWER

NAME = "openai:fake"
FIRST = f'"content": "{ANSWER}'  # no passage that a reply carries begins so
TOKENS = 40
EVERY = 0.05  # seconds between two tokens

app = FastAPI()


@app.get("/v1/models")
async def models() -> dict[str, Any]:
    """The one model."""
    return {"data": [{"id": "fake", "max_model_len": 8192}]}


@app.post("/v1/chat/completions")
async def complete() -> StreamingResponse:
    """The same answer to whatever is asked."""
    return StreamingResponse(_tokens(), media_type="text/event-stream")


async def _tokens() -> AsyncIterator[str]:
    for number in range(TOKENS):
        await asyncio.sleep(EVERY)
        yield _chunk({"content": f"word{number} " if number else f"{ANSWER} "}, None)
    yield _chunk({}, "stop")
    yield "data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "fake"}
    return f"data: {json.dumps(data | {'choices': [choice]})}\n\n"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
