"""`POST /v1/embeddings`: texts -> vectors of the workspace's embedder."""

from __future__ import annotations

import base64
from typing import Any, Literal

from fastapi import APIRouter, Depends
from openai.types import CreateEmbeddingResponse
from pydantic import Field

from agents.api.access import Needs, Workspace
from agents.api.asked import Strict
from agents.api.models import EMBEDDINGS
from agents.api.problems import PROBLEMS
from rag.embeddings import load_embedder
from workbench.errors import InvalidInput, NotFound
from workbench.language import tokens
from workbench.messages import say

MOST_TEXTS = 2048
router = APIRouter(tags=["embeddings"], responses=PROBLEMS)


class EmbeddingsRequest(Strict):
    """Texts to embed. `input_type` says whether they are searched with or searched in."""

    model: str = Field(examples=[EMBEDDINGS])
    input: str | list[str] | list[int] | list[list[int]]
    input_type: Literal["document", "query"] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


@router.post(
    "/v1/embeddings",
    response_model=None,
    responses={200: {"model": CreateEmbeddingResponse}},
    dependencies=[Depends(Needs("embeddings"))],
)
def embed(asked: EmbeddingsRequest, settings: Workspace) -> dict[str, Any]:
    """A vector of unit length for each text. `encoding_format` may be `base64` of float32."""
    texts = _texts(asked)
    if asked.model not in (EMBEDDINGS, settings.embedder):
        raise NotFound(
            say("There is no model “{name}”.", name=asked.model),
            say("Ask {name}.", name=EMBEDDINGS),
        )
    embedder = load_embedder(settings.embedder, settings)
    if asked.dimensions not in (None, embedder.dimension):
        raise InvalidInput(
            say("The vectors have {count} dimensions.", count=embedder.dimension),
            "Leave dimensions out.",
        )
    vectors = embedder.embed(texts, asked.input_type or "document")
    as_text = asked.encoding_format == "base64"
    rows = [_row(number, vector, as_text) for number, vector in enumerate(vectors)]
    used = sum(tokens(text) for text in texts)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "data": rows, "model": embedder.name, "usage": usage}


def _texts(asked: EmbeddingsRequest) -> list[str]:
    """Raises InvalidInput for no text, too many, and numbers of another model's tokens."""
    given = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = [one for one in given if isinstance(one, str)]
    if len(texts) != len(given):
        raise InvalidInput(
            "Tokens of another model are not read.",
            "Send texts; for LangChain: check_embedding_ctx_length=False.",
        )
    if not texts or len(texts) > MOST_TEXTS or not all(text.strip() for text in texts):
        raise InvalidInput(
            "There is no text, or an empty one, or too many.",
            say("Send 1 to {most} texts.", most=MOST_TEXTS),
        )
    return texts


def _row(number: int, vector: Any, as_text: bool) -> dict[str, Any]:
    if as_text:
        value: Any = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    else:
        value = vector.tolist()
    return {"object": "embedding", "index": number, "embedding": value}
