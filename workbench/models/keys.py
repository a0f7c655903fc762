"""Keys of OpenAI-compatible servers: from the environment, else from the keyring of the machine.

Never in a file, a log, an error or a command line. A key belongs to a name and an address
together: who changes the address in a workspace's file does not get the key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.errors import Unavailable
from workbench.messages import say

if TYPE_CHECKING:
    from workbench.connections import Server

SERVICE = "agent-workbench"


def variable_of(name: str) -> str:
    """The environment variable that may carry the key of the server with that name."""
    return f"WORKBENCH_KEY_{name.upper().replace('-', '_')}"


def key_of(name: str, server: Server) -> SecretStr:
    """The server's key, empty where there is none."""
    from_environment = os.environ.get(variable_of(name), "")
    if from_environment:
        return SecretStr(from_environment)
    # a keyring may ask the person to unlock it: only where it has a key
    return SecretStr(_read(name, server.base_url)) if server.has_key else SecretStr("")


def keeps_keys() -> bool:
    """Whether this machine has a keyring that keeps a secret. Many without a screen have none."""
    import keyring
    from keyring.core import recommended

    return bool(recommended(keyring.get_keyring()))


def keep_key(name: str, base_url: str, key: str) -> None:
    """Put the key in the keyring. Raises Unavailable where it cannot keep one."""
    import keyring
    from keyring.errors import KeyringError

    if not keeps_keys():
        raise no_keyring(name)
    try:
        keyring.set_password(SERVICE, _user(name, base_url), key)
    except KeyringError as error:
        raise no_keyring(name) from error


def hold_key(name: str, key: str) -> None:
    """Keep the key for this process and the jobs that it starts; it ends with them."""
    os.environ[variable_of(name)] = key


def forget_key(name: str, server: Server) -> None:
    """Remove the key from this process and from the keyring."""
    import keyring
    from keyring.errors import KeyringError

    os.environ.pop(variable_of(name), None)
    if not server.has_key:
        return
    try:
        keyring.delete_password(SERVICE, _user(name, server.base_url))
    except KeyringError:  # it has been removed there, or the keyring is shut
        return


def no_keyring(name: str) -> Unavailable:
    """This machine cannot keep a key."""
    return Unavailable(
        "This machine has no keyring that can keep the key.",
        say("Export it as {variable} instead.", variable=variable_of(name)),
    )


def without_key(text: str, key: SecretStr) -> str:
    """The text of a server, which may repeat the key that it was given."""
    secret: Any = key.get_secret_value()
    return text.replace(secret, "…") if secret else text


def _read(name: str, base_url: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, _user(name, base_url)) or ""
    except KeyringError:  # shut or gone: the server then says that it wants a key
        return ""


def _user(name: str, base_url: str) -> str:
    return f"{name} {base_url}"
