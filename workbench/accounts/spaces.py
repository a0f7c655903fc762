"""The workspaces of people and groups, and the settings of a person in one of them.

<root>                           main: what was made before anybody signed in; the admins share it
<root>/spaces/people/NAME        a person's own
<root>/spaces/groups/NAME        a group's
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.accounts.names import MAIN
from workbench.accounts.people import ROLES, Person, Role
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

OWN = ""  # the name of everybody's own space


@dataclass(frozen=True)
class Space:
    """`name` is what `settings_in` takes: empty for one's own, else the group's, or main."""

    name: str
    kind: Literal["own", "group", "main"]


def spaces_of(root: Settings, person: Person) -> list[Space]:
    """The person's own space, those of the groups, and main for an admin."""
    found = [Space(OWN, "own")]
    found += [Space(group, "group") for group in sorted(person.groups)]
    if person.role == "admin":
        found.append(Space(MAIN, "main"))
    return found


def settings_in(root: Settings, person: Person, space: str = OWN, **changes: Any) -> Settings:
    """The settings of a person who works in a space; `root` is of `load_settings`.

    Raises NotFound for a space that is not theirs, in the same words as for none, and InvalidInput
    for a disabled person.
    """
    if person.disabled:
        raise InvalidInput("This account is disabled.", "Ask an admin.")
    for one in spaces_of(root, person):
        if one.name == space:
            return root.model_copy(update=_of(root, person, one) | changes)
    raise NotFound(say("There is no space {space}.", space=space), "Choose one of your own.")


def folder_of(root: Settings, person: Person, space: Space) -> Path:
    """The workspace's folder, which may not exist yet."""
    if space.kind == "main":
        return root.home
    if space.kind == "group":
        return root.home / "spaces" / "groups" / space.name
    return root.home / "spaces" / "people" / person.name


def _of(root: Settings, person: Person, space: Space) -> dict[str, Any]:
    role = person.role
    if space.kind == "group":
        role = lower(role, person.groups[space.name])
    shared = space.kind != "own"
    home = folder_of(root, person, space)
    return {"home": home, "person": person.name if shared else "", "role": role}


def lower(one: Role, other: Role) -> Role:
    """Whichever of two roles may do less."""
    return min(one, other, key=ROLES.index)
