"""`/v1/chats`: the chats of a workspace, listed, read, removed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from agents.api.access import Needs, Workspace
from agents.api.problems import PROBLEMS
from agents.api.written import gathered
from workbench.chat.conversations import Conversation, Conversations, Message
from workbench.errors import NotFound
from workbench.settings import Settings

MOST = 1000
EVERY = 1_000_000_000  # more chats than any workspace has
router = APIRouter(
    prefix="/v1/chats",
    tags=["chats"],
    responses=PROBLEMS,
    dependencies=[Depends(Needs("chats"))],
)


class ChatFacts(BaseModel):
    """A chat; times are seconds since 1970."""

    id: int
    title: str
    created: float
    updated: float
    folder: str


class Chats(BaseModel):
    """Pinned ones first, then the newest."""

    data: list[ChatFacts]


class ChatMessage(BaseModel):
    """A message as it is shown. `workbench` has what came with it, as in a new answer."""

    id: int
    role: str
    content: str
    state: str
    mode: str
    rating: int
    correction: str
    created: float
    workbench: dict[str, Any] = Field(default_factory=dict)


class Chat(ChatFacts):
    """A chat with its messages."""

    messages: list[ChatMessage]


class RemovedChat(BaseModel):
    """What was removed."""

    id: int
    deleted: bool = True


@router.get("")
def chats(
    settings: Workspace,
    search: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Chats:
    """The chats, or those with a text in a title or message."""
    found = Conversations(settings.database).recent(search, limit)
    return Chats(data=[ChatFacts(**_facts(chat)) for chat in found])


@router.get("/{number}")
def chat(number: int, settings: Workspace) -> Chat:
    """One chat with the messages of the versions that are shown."""
    conversations, found = _find(settings, number)
    messages = [_message(message) for message in conversations.messages(number)]
    return Chat(**_facts(found), messages=messages)


@router.delete("/{number}")
def remove(number: int, settings: Workspace) -> RemovedChat:
    """Remove a chat, as the app's page does: it can be brought back in the database alone."""
    conversations, _ = _find(settings, number)
    conversations.delete(number)
    return RemovedChat(id=number)


def _find(settings: Settings, number: int) -> tuple[Conversations, Conversation]:
    """The chat, unless it was removed. Raises NotFound."""
    conversations = Conversations(settings.database)
    for found in conversations.recent(limit=EVERY):
        if found.id == number:
            return conversations, found
    raise NotFound("That chat no longer exists.", "List them: GET /v1/chats")


def _facts(chat: Conversation) -> dict[str, Any]:
    return {name: getattr(chat, name) for name in ChatFacts.model_fields}


def _message(message: Message) -> ChatMessage:
    kept = [name for name in ChatMessage.model_fields if name not in ("mode", "workbench")]
    facts = {name: getattr(message, name) for name in kept}
    return ChatMessage(**facts, mode=message.agent, workbench=gathered(message.events))
