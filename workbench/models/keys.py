"""Keys of OpenAI-compatible servers: from the environment, else from the keyring of the machine.

Never in a file, a log, an error or a command line. A key belongs to a name, an address and a space
together: who changes the address in a workspace's file does not get the key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.errors import Unavailable
from workbench.machine_keyring import forget_secret, keep_secret, marked, secret_of
from workbench.messages import say

if TYPE_CHECKING:
    from workbench.connections import Server


def variable_of(name: str, space: str = "") -> str:
    """The environment variable that may carry the key of the server with that name.

    `space` is the mark of the space that it is connected in.
    """
    mark = f"{space}_" if space else ""
    return f"WORKBENCH_KEY_{mark}{name.upper().replace('-', '_')}"


def key_of(name: str, server: Server) -> SecretStr:
    """The server's key, empty where there is none."""
    from_environment = os.environ.get(variable_of(name, server.space), "")
    if from_environment:
        return SecretStr(from_environment)
    # a keyring may ask the person to unlock it: only where it has a key
    return SecretStr(secret_of(_account(name, server)) if server.has_key else "")


def keep_key(name: str, server: Server, key: str) -> None:
    """Put the key in the keyring. Raises Unavailable where none can keep it."""
    if not keep_secret(_account(name, server), key):
        raise Unavailable(
            "This machine has no keyring that can keep the key.",
            say("Export it as {variable} instead.", variable=variable_of(name, server.space)),
        )


def hold_key(name: str, server: Server, key: str) -> None:
    """Keep the key for this process and the jobs that it starts; it ends with them."""
    os.environ[variable_of(name, server.space)] = key


def forget_key(name: str, server: Server) -> None:
    """Remove the key from this process and from the keyring."""
    os.environ.pop(variable_of(name, server.space), None)
    if server.has_key:
        forget_secret(_account(name, server))


def without_key(text: str, key: SecretStr) -> str:
    """The text of a server, which may repeat the key that it was given."""
    secret: Any = key.get_secret_value()
    return text.replace(secret, "…") if secret else text


def _account(name: str, server: Server) -> str:
    return marked(f"{name} {server.base_url}", server.space)
