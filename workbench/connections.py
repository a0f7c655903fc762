"""What a workspace is connected to, `connections.json` -> Connections. No secret is in it.

    {"ollama_host": "http://10.0.0.5:11434",
     "servers": {"vllm": {"base_url": "http://127.0.0.1:8000/v1", "has_key": true}},
     "folders": ["/models/qwen3-4b"]}

Keys are in the keyring or in the environment (see workbench.models.keys).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.errors import InvalidInput
from workbench.files import read_json, update_json
from workbench.machine_keyring import mark_of
from workbench.messages import say

FILE = "connections.json"


class Server(BaseModel):
    """An OpenAI-compatible server. `has_key` says whether the keyring has its key.

    `space` is the mark of the space whose server it is: a key belongs to that too.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    has_key: bool = False
    space: str = Field("", exclude=True)


class Connections(BaseModel):
    """Addresses, servers by their names, and model folders outside the workspace."""

    model_config = ConfigDict(frozen=True)

    ollama_host: str = ""
    servers: dict[str, Server] = Field(default_factory=dict)
    folders: list[str] = Field(default_factory=list)


def read_connections(home: Path) -> Connections:
    """The connections of that workspace. Raises InvalidInput for a damaged file."""
    path = home / FILE
    if not path.exists():  # also where the workspace cannot be made: said when it is needed
        return Connections()
    try:
        return _parse(read_json(path, {}), path)
    except ValueError as error:
        raise _damaged(path) from error


def change_connections(home: Path, change: Callable[[Connections], Connections]) -> None:
    """Replace the connections by `change(connections)`, while no other process does."""
    path = home / FILE

    def changed(data: Any) -> Any:
        return change(_parse(data, path)).model_dump()

    try:
        update_json(path, changed, {})
    except ValueError as error:
        raise _damaged(path) from error


def _parse(data: Any, path: Path) -> Connections:
    try:
        found = Connections.model_validate(data)
    except ValidationError as error:
        raise _damaged(path) from error
    space = mark_of(path.parent)
    servers = {
        name: server.model_copy(update={"space": space}) for name, server in found.servers.items()
    }
    return found.model_copy(update={"servers": servers})


def _damaged(path: Path) -> InvalidInput:
    return InvalidInput(
        say("{path} is damaged.", path=path),
        "Correct it, or delete it and connect the models again.",
    )
