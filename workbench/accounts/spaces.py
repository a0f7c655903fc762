"""The workspaces of people and groups, and the settings of a person in one of them.

    ROOT                      main: what was made before anybody signed in; the admins share it
    ROOT/spaces/people/NAME   a person's own
    ROOT/spaces/groups/NAME   a group's
    SPACE/people/NAME         one person's chats in a space that several share

The chats of before are the first person's, and stay where they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.accounts.database import STORE
from workbench.accounts.names import MAIN
from workbench.accounts.people import ROLES, Person, Role
from workbench.connections import read_connections
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

# folders of a workspace that are laid out like one: of spaces, of people in them, what was removed
INNER = ("spaces/*/*", "people/*", "spaces/*/*/people/*", "removed/*/*", "removed/*/*/people/*")
BELOW = re.compile(r"((spaces|removed)/[^/]+/[^/]+/)?(people/[^/]+/)?")
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


def first_space(person: Person) -> str:
    """Where the person begins: who was alone here goes on there, a reader reads what others have.

    In a space of their own readers find nothing and can add nothing.
    """
    if person.was_first and person.role == "admin":
        return MAIN
    if person.role == "reader" and person.groups:
        return min(person.groups)
    return OWN


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


def homes_in(home: Path) -> list[Path]:
    """The folder of a workspace, and those in it that are laid out like one."""
    found = [path for pattern in INNER for path in sorted(home.glob(pattern)) if path.is_dir()]
    return [home, *found]


def is_space(home: Path) -> bool:
    """Whether the workspace is a space of another one, where people sign in."""
    spaces = home.parent.parent
    return spaces.name == "spaces" and (spaces.parent / STORE.name).exists()


def without_space(path: str) -> str:
    """A path below a workspace -> the path below the space or the person's folder that it is in."""
    return BELOW.sub("", path, count=1)


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
    home = folder_of(root, person, space)
    # where no name says whose, the chats are in the workspace's own database
    nameless = space.kind == "own" or (space.kind == "main" and person.was_first)
    chats_of = "" if nameless else person.name
    facts = {"home": home, "person": chats_of, "role": role}
    most = {"answers_per_person": person.quota.answers_at_once}
    if space.kind == "own":
        most |= {"space_megabytes": person.quota.megabytes}
    return facts | most | _ollama_of(root, home)


def _ollama_of(root: Settings, home: Path) -> dict[str, str]:
    """The Ollama server that was connected in the space; environment and workbench.toml win."""
    name = "ollama_host"
    set_outside = name in root.model_fields_set
    connected_in_main = root.ollama_host == read_connections(root.home).ollama_host
    host = read_connections(home).ollama_host
    if not host or (set_outside and not connected_in_main):
        return {}
    return {name: host}


def lower(one: Role, other: Role) -> Role:
    """Whichever of two roles may do less."""
    return min(one, other, key=ROLES.index)
