"""Connect and remove chat models of a workspace. What is connected has answered, or it is refused.

name = connect_server("vllm", "http://127.0.0.1:8000/v1", key, settings)   # openai:vllm/MODEL
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from workbench.artefacts import model_folder
from workbench.artefacts.published import find_published
from workbench.confined import check_admin, check_may_change, inside
from workbench.connections import Connections, Server, change_connections, read_connections
from workbench.errors import InvalidInput, NotFound
from workbench.files import remove
from workbench.machine_keyring import mark_of
from workbench.messages import say
from workbench.models import ollama
from workbench.models.folders import check_folder
from workbench.models.hubs import list_half_downloaded
from workbench.models.keys import forget_key, hold_key, keep_key, key_of
from workbench.models.listing import split_name
from workbench.models.servers import OpenAIServer
from workbench.models.trying import models_of
from workbench.settings import Settings, whole_address

# letters, digits and hyphens, so that each name has an environment variable of its own
SERVER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def connect_ollama(host: str, settings: Settings) -> str:
    """Remember the server's address; returns its version. Raises Unavailable without an answer."""
    check_may_change(settings)
    version = ollama.ollama_version(host)
    address = whole_address(host)
    change_connections(settings.home, lambda now: now.model_copy(update={"ollama_host": address}))
    return version


def described_server(name: str, address: str, key: str, settings: Settings) -> OpenAIServer:
    """The server with the key that was typed, else with the one that is known of it.

    Raises InvalidInput for a name that cannot stand in a model's name.
    """
    name = check_server_name(name)
    address = address.strip().rstrip("/")
    if key:
        return OpenAIServer(name, address, SecretStr(key), mark_of(settings.home))
    known = read_connections(settings.home).servers.get(name)
    same = known and known.base_url == address
    space = mark_of(settings.home)
    server = known if known and same else Server(base_url=address, space=space)
    return OpenAIServer(name, address, key_of(name, server), space)


def connect_server(
    name: str, address: str, key: str, settings: Settings, keep: bool = True
) -> OpenAIServer:
    """Remember an OpenAI-compatible server under a name, in place of an older one of that name.

    `key` goes to the keyring, or with `keep=False` to this process alone; empty keeps the one that
    is known. Raises InvalidInput, and Unavailable where the server or the keyring refuses.
    """
    check_may_change(settings)
    server = described_server(name, address, key, settings)
    models_of(server)
    known = read_connections(settings.home).servers.get(server.name)
    moved = known is not None and known.base_url != server.base_url
    if known and (key or moved):
        forget_key(server.name, known)
    has_key = bool(known and known.has_key and not moved and not key)
    entry = Server(base_url=server.base_url, has_key=has_key, space=server.space)
    if key and keep:
        keep_key(server.name, entry, key)
        entry = entry.model_copy(update={"has_key": True})
    elif key:
        hold_key(server.name, entry, key)
    change_connections(settings.home, lambda now: _with_server(now, server.name, entry))
    return server


def connect_folder(path: str, settings: Settings) -> str:
    """Remember a model folder; returns its name, `local:FOLDER`. Raises NotFound, InvalidInput."""
    check_may_change(settings)
    folder = check_folder(inside(path, settings))
    if folder.parent == settings.home / "models":
        return f"local:{folder.name}"  # listed anyway
    change_connections(settings.home, lambda now: _with_folder(now, str(folder)))
    return f"local:{folder}"


def check_server_name(name: str) -> str:
    """The name in small letters. Raises InvalidInput."""
    small = name.strip().lower()
    if not SERVER_NAME.fullmatch(small):
        raise InvalidInput(
            say("{name!r} cannot be a server's name.", name=name),
            "Use letters, digits and hyphens, such as vllm or my-server.",
        )
    return small


def forget_server(name: str, settings: Settings) -> None:
    """Forget a server and its key. Raises NotFound."""
    check_may_change(settings)
    known = read_connections(settings.home).servers
    if name not in known:
        raise NotFound(
            say("No server {name} is connected.", name=name),
            say("Connected: {names}.", names=", ".join(known) or "-"),
        )
    forget_key(name, known[name])
    change_connections(settings.home, lambda now: _without_server(now, name))


def removal(name: str, settings: Settings) -> str:
    """What `remove_model` will do, for the question before it. Raises NotFound, InvalidInput."""
    if name in list_half_downloaded(settings):
        return say("Delete what has arrived of {name}.", name=name)
    kind, rest = split_name(name)
    if kind == "ollama":
        return say("Delete {name} from Ollama, for all programs.", name=rest)
    if kind == "openai":
        return say("Forget the server {name} and its key.", name=rest)
    if kind == "packaged":
        raise _in_a_package(name)
    if rest in read_connections(settings.home).folders:
        return say("Forget the folder {folder}; its files stay.", folder=rest)
    return say("Delete the folder {folder}.", folder=_own_folder(rest, settings))


def remove_model(name: str, settings: Settings) -> None:
    """Delete an Ollama model, a workspace's model or a half download; forget a server or folder.

    Raises NotFound, Unavailable, InvalidInput.
    """
    check_may_change(settings)
    half = list_half_downloaded(settings)
    if name in half:
        remove(half[name])
        return
    kind, rest = split_name(name)
    if kind == "ollama":
        if find_published(rest, settings) is None:
            check_admin(settings)  # it belongs to everybody who uses that server
        ollama.delete(rest, settings)
    elif kind == "openai":
        forget_server(rest, settings)
    elif kind == "packaged":
        raise _in_a_package(name)
    elif rest in read_connections(settings.home).folders:
        change_connections(settings.home, lambda now: _without_folder(now, rest))
    else:
        remove(_own_folder(rest, settings))


def _in_a_package(name: str) -> InvalidInput:
    return InvalidInput(
        say("{name} belongs to an installed package.", name=name),
        "Uninstall the package to be rid of it.",
    )


def _own_folder(name: str, settings: Settings) -> Path:
    """The folder of a whole model in the workspace. Runs and other folders are not ours to delete.

    Raises NotFound.
    """
    names = model_folder.list_models(settings)
    if name not in names:
        raise NotFound(
            say("The workspace has no model {name} to remove.", name=name),
            "See: workbench models list. A run is deleted on the Training page.",
        )
    return settings.home / "models" / name


def _with_server(now: Connections, name: str, server: Server) -> Connections:
    return now.model_copy(update={"servers": now.servers | {name: server}})


def _without_server(now: Connections, name: str) -> Connections:
    rest = {other: server for other, server in now.servers.items() if other != name}
    return now.model_copy(update={"servers": rest})


def _with_folder(now: Connections, folder: str) -> Connections:
    if folder in now.folders:
        return now
    return now.model_copy(update={"folders": [*now.folders, folder]})


def _without_folder(now: Connections, folder: str) -> Connections:
    rest = [other for other in now.folders if other != folder]
    return now.model_copy(update={"folders": rest})
