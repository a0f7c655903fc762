"""The machine's keyring: passwords and keys by their account, where no file of ours keeps them.

A keyring that writes plain text counts as none, also where the person's settings name it: nobody
would look for the secret there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

SERVICE = "agent-workbench"
MARK = 16  # digits


def mark_of(home: Path) -> str:
    """What tells a space or a person's part of one from others; empty for a workspace itself.

    They lie in `people/` or `groups/`. All of them share one process, one user of the machine, its
    keyring and its servers.
    """
    home = home.absolute()
    if home.parent.name not in ("people", "groups"):
        return ""
    return hashlib.sha256(str(home).encode()).hexdigest()[:MARK].upper()


def marked(account: str, space: str) -> str:
    """The account of a space with that mark."""
    return f"{space} {account}" if space else account


def has_keyring() -> bool:
    """Whether this machine has a keyring that keeps a secret. Many without a screen have none."""
    return _keyring() is not None


def secret_of(account: str) -> str:
    """The secret of that account; empty where there is none, or where the keyring is shut."""
    from keyring.errors import KeyringError

    keyring = _keyring()
    if keyring is None:
        return ""
    try:
        return keyring.get_password(SERVICE, account) or ""
    except KeyringError:  # the server then says that it wants a password
        return ""


def keep_secret(account: str, secret: str) -> bool:
    """Put the secret into the keyring; False where none keeps it."""
    from keyring.errors import KeyringError

    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, account, secret)
    except KeyringError:
        return False
    return True


def forget_secret(account: str) -> None:
    """Remove the account's secret, where the keyring has one."""
    from keyring.errors import KeyringError

    keyring = _keyring()
    if keyring is None:
        return
    try:
        keyring.delete_password(SERVICE, account)
    except KeyringError:  # it has been removed there, or the keyring is shut
        return


def _keyring() -> Any | None:
    """The best keyring that is recommended, which one of plain text never is."""
    import keyring
    from keyring.backends.chainer import ChainerBackend
    from keyring.core import recommended

    found = keyring.get_keyring()
    # a chain goes on to its next keyring, whatever that is, where one takes no secret
    several = found.backends if isinstance(found, ChainerBackend) else [found]
    fit = [one for one in several if recommended(one)]
    return fit[0] if fit else None
