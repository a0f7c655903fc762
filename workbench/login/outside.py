"""Who comes from an OpenID Connect provider -> a person here.

The provider has looked at who it is; here it is decided whom that names, and whether they may
enter. A verified address of mail is a name. Anything else that a provider says of somebody may be
of their own choosing: it names only those who have no password here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from workbench.accounts import Person, find_person
from workbench.accounts.groups import join, leave, list_groups
from workbench.accounts.people import add_person
from workbench.accounts.signing_in import signed_in
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings

ALONE = "default"  # the provider that has no name of its own
FRESH = 600  # seconds: an older word of the provider is asked for again


class Outside(Protocol):
    """The part of a login that a library does: the way to the provider and back."""

    def providers(self) -> list[str]:
        """Their names, as they are set up; empty where none is."""

    def way_to(self, provider: str) -> str:
        """The path of the app from which the browser goes to that provider."""

    def claims(self, cookies: Mapping[str, str]) -> Mapping[str, Any] | None:
        """What the provider has said, of a browser that is back; None where it says nothing."""

    def used_cookies(self, cookies: Mapping[str, str]) -> list[str]:
        """The names of the cookies that carried it."""


def enter(root: Settings, claims: Mapping[str, Any]) -> Person:
    """The person whom the claims name, added where they come for the first time.

    Raises InvalidInput where nobody is let in by them.
    """
    if not isinstance(claims.get("iat"), int) or time.time() - claims["iat"] > FRESH:
        raise InvalidInput("That sign-in was too old.", "Please sign in again.")
    name, is_verified = _name_of(claims)
    person = find_person(root, name)
    if person is None:
        person = _added(root, name)
    elif person.has_password and not is_verified:
        raise InvalidInput(
            say("{name} has a password here.", name=person.name), "Sign in with name and password."
        )
    if person.disabled:
        raise InvalidInput("This account is disabled.", "Ask an admin.")
    _follow_groups(root, person, claims.get("groups"))
    return signed_in(root, person)


def _name_of(claims: Mapping[str, Any]) -> tuple[str, bool]:
    """The name, and whether the provider has made sure of it."""
    email = claims.get("email")
    if isinstance(email, str) and email and claims.get("email_verified") is True:
        return email.lower(), True
    return str(claims.get("sub", "")), False


def _added(root: Settings, name: str) -> Person:
    if root.oidc_role == "none":
        raise InvalidInput(say("{name} has no account here.", name=name), "Ask an admin for one.")
    return add_person(root, name, None, root.oidc_role)


def _follow_groups(root: Settings, person: Person, named: Any) -> None:
    """In the groups that the provider names and that exist, and in no others; its word counts.

    Where it says nothing of groups, they are an admin's matter.
    """
    if not isinstance(named, list):
        return
    role = "reader" if person.role == "reader" else "editor"
    for group in list_groups(root):
        is_named, is_in = group.name in named, person.name in group.members
        if is_named and not is_in:
            join(root, group.name, person.name, role)
        elif is_in and not is_named:
            leave(root, group.name, person.name)
