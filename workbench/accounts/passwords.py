"""Passwords: which may be used, and the argon2 hash that is kept of one.

The parameters are argon2-cffi's own, RFC 9106's for little memory; a hash of older ones is made
again at the next right password.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from workbench.accounts.names import folded
from workbench.errors import InvalidInput
from workbench.messages import say

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10  # characters
LONGEST = 1000  # characters: a hash of megabytes would take the machine
FEWEST_KINDS = 5  # different characters
AT_ONCE = threading.BoundedSemaphore(2)  # each takes 64 MiB


def check_rules(password: str, name: str) -> None:
    """Raises InvalidInput for a password that is too easy to guess."""
    text = _plain(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise InvalidInput(
            say(
                "A password has {shortest} to {longest} characters.",
                shortest=SHORTEST,
                longest=LONGEST,
            ),
            "Take a longer one, such as four words that have nothing to do with each other.",
        )
    if len(set(text)) < FEWEST_KINDS or folded(name) in folded(text):
        raise InvalidInput(
            "That password is too easy to guess.",
            say("Use {kinds} different characters or more, and not the name.", kinds=FEWEST_KINDS),
        )


def new_password() -> str:
    """One that nobody has chosen: 120 random bits."""
    return secrets.token_urlsafe(15)


def hash_password(password: str) -> str:
    """What is kept of it."""
    with AT_ONCE:
        return _hasher().hash(_plain(password))


def is_right(password: str, kept: str) -> bool:
    """Whether the hash is of that password. An empty hash fits none, and takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError

    text = _plain(password)[:LONGEST]
    try:
        with AT_ONCE:
            fits = _hasher().verify(kept or _of_nobody(), text)
    except (VerificationError, InvalidHashError):
        return False
    return fits and bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether today's parameters are others than those of the hash."""
    return _hasher().check_needs_rehash(kept)


def _plain(password: str) -> str:
    """The same characters from every keyboard and system."""
    return unicodedata.normalize("NFKC", password)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _of_nobody() -> str:
    return _hasher().hash(secrets.token_hex())
