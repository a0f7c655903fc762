"""Passwords of database servers: from the environment, else the keyring, else a file of the person.

The file lies in the person's own configuration folder (`WORKBENCH_SECRETS` names another), never in
the workspace, and only its owner reads it. It maps the server's address without password to the
password, or to null where the machine's keyring has it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.files import locked, read_json, writing
from workbench.machine_keyring import forget_secret, keep_secret, marked, secret_of
from workbench.messages import say

Passwords = dict[str, str | None]
_tried: ContextVar[dict[str, str] | None] = ContextVar("tried", default=None)


def variable_of(name: str, space: str = "") -> str:
    """The environment variable that may carry the password of a source.

    `space` is the mark of the space that the source belongs to, here and below.
    """
    mark = f"{space}_" if space else ""
    return f"WORKBENCH_DATA_PASSWORD_{mark}{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def password_of(name: str, url: str, space: str = "") -> str:
    """The password of the source with that name and address, or nothing."""
    given = (_tried.get() or {}).get(url) or os.environ.get(variable_of(name, space))
    if given:
        return given
    account = marked(url, space)
    kept = _read().get(account, "")
    # a keyring may ask the person to unlock it: only where it has the password
    return secret_of(account) if kept is None else kept


@contextmanager
def trying_password(url: str, password: str) -> Iterator[None]:
    """Inside, the address has that password, which is kept nowhere."""
    before = _tried.set({url: password})
    try:
        yield
    finally:
        _tried.reset(before)


def keep_password(url: str, password: str, space: str = "") -> None:
    account = marked(url, space)
    kept = None if keep_secret(account, password) else password
    _update(lambda passwords: passwords | {account: kept})


def forget_password(url: str, space: str = "") -> None:
    account = marked(url, space)
    known = _read()
    if account in known:
        if known[account] is None:
            forget_secret(account)
        _update(lambda passwords: {key: passwords[key] for key in passwords if key != account})


def secrets_file() -> Path:
    chosen = os.environ.get("WORKBENCH_SECRETS")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "workbench" / "secrets.json"


def _read() -> Passwords:
    path = secrets_file()
    try:
        return read_json(path, {})
    except ValueError as error:
        raise InvalidInput(
            say("{path} is not valid JSON.", path=path),
            "Correct it, or delete it and add the sources again.",
        ) from error


def _update(change: Callable[[Passwords], Passwords]) -> None:
    """Change the file while no other process does; at no moment can others read it."""
    path = secrets_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(path):
        text = json.dumps(change(_read()), indent=1)
        with writing(path) as part:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
