"""What a person may reach and change, by the role in the settings.

    inside(path, settings)        # the path as it may be opened; raises Forbidden
    check_may_change(settings)    # raises Forbidden for who only reads
    check_admin(settings)         # raises Forbidden for who may start no program of the machine

An administrator names any path. Everybody else names what lies in the workspace: uploads, runs,
models, data. What the program keeps for itself or for another person is no part of that: its
databases, the jobs, other people's folders, spaces below this one.
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench.connections import read_connections
from workbench.errors import Forbidden
from workbench.settings import Settings, load_settings

# folders of a workspace that nobody names: who could would read others' chats, files and logs
KEPT_BACK = {"chroma", "collections", "jobs", "people", "removed", "spaces"}
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def inside(path: str | os.PathLike[str], settings: Settings) -> Path:
    """The path, absolute, as it may be opened; links on the way are followed.

    Raises Forbidden where the person may not name it, whether it exists or not.
    """
    if settings.role == "admin":
        return Path(path).expanduser().absolute()
    found = _find(path, settings)
    if found is None:
        raise Forbidden(
            "A path on the server can be given by an administrator alone.",
            "Upload the file instead.",
        )
    return found


def is_inside(path: str | os.PathLike[str], settings: Settings) -> bool:
    """Whether the person may name that path."""
    return settings.role == "admin" or _find(path, settings) is not None


def check_name(name: str, settings: Settings) -> None:
    """Raises Forbidden for the name of a model or of data that is a path out of the workspace.

    OWNER/NAME is a name on a hub, unless something of that name lies here.
    """
    if is_path(name) or _lies_here(name):
        inside(name, settings)


def is_path(name: str) -> bool:
    """Whether what may be a name on a hub, OWNER/NAME, is spelled as a path."""
    begins = name.startswith((".", "~", "/"))
    return begins or ".." in name or "\\" in name or "\0" in name or name.count("/") > 1


def _lies_here(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long, or with a zero byte: no file has it
        return False


def may_change(settings: Settings) -> bool:
    """Whether the person may change the workspace."""
    return settings.role != "reader"


def check_may_change(settings: Settings) -> None:
    """Raises Forbidden for who may only ask."""
    if not may_change(settings):
        raise reader_refused()


def reader_refused() -> Forbidden:
    """What a reader is told who wants to change something."""
    return Forbidden("A reader changes nothing here.", "Ask an editor of this workspace to do it.")


def check_admin(settings: Settings) -> None:
    """Raises Forbidden for who may not start programs of the machine."""
    if settings.role != "admin":
        raise Forbidden(
            "A program on the server can be named by an administrator alone.",
            "Ask an administrator to add it.",
        )


def _find(path: str | os.PathLike[str], settings: Settings) -> Path | None:
    """The path with its links followed, where who is no administrator may name it."""
    text = os.fspath(path)
    foreign = "\\" in text and os.sep != "\\"
    if foreign or text.casefold().startswith("file:"):  # spelled for another system, or a browser
        return None
    found = _resolved(path)
    if found is None:
        return None
    for home in {settings.home, settings.own.home}:
        whole = home.resolve()
        if found.is_relative_to(whole) and _is_open(found.relative_to(whole), home):
            return home / found.relative_to(whole)  # spelled as the workspace is
    if any(found.is_relative_to(root) for root in _roots(settings)):
        return found
    return None


def _resolved(path: str | os.PathLike[str]) -> Path | None:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, no such user, a zero byte
        return None


def _is_open(relative: Path, home: Path) -> bool:
    """Whether a path of the workspace is no part of what the program keeps there."""
    first, *rest = relative.parts or ("",)
    if not first or first.startswith(".") or first.casefold().rstrip(". ") in KEPT_BACK:
        return False
    folder = home / first
    # files beside the folders are the program's
    return folder.is_dir() or (bool(rest) and not folder.exists())


def _roots(settings: Settings) -> list[Path]:
    """What everybody may read: what was made of packages, the examples, models of hubs.

    And what an administrator has named: connected folders, models in the program's own settings.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    set_here = load_settings()
    models = (set_here.model, set_here.tuned, set_here.embedder, set_here.reranker)
    named = [name.removeprefix("local:") for name in models]
    named = [name for name in named if is_path(name)]
    named += read_connections(settings.home).folders
    roots = [settings.cache, EXAMPLES, Path(HF_HUB_CACHE), *map(Path, named)]
    return [root.expanduser().resolve() for root in roots]
