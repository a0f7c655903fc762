"""What can be carried to another workspace: which things exist, and where they lie.

Packages contribute kinds (`carried`). Most are folders; what lies in a database is written into the
archive, and taken out of it, by functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from workbench.artefacts.model_folder import list_models
from workbench.artefacts.run_folder import list_run_folders
from workbench.contributions import contributions, load_place
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings


@dataclass(frozen=True)
class Kind:
    """`folders` are paths in the workspace, with a hole for the name."""

    folders: Sequence[str]
    names: Callable[[Settings], list[str]]

    put: Callable[[Settings, Sequence[str], Path], None] | None = None
    """Writes the things of these names into a folder that is laid out as a workspace."""

    take: Callable[[Settings, str, Settings], None] | None = None
    """Takes the thing of that name out of such a folder (the first settings' workspace) into the
    workspace of the second ones, whole or not at all; one of that name is replaced."""

    def folders_of(self, name: str) -> list[str]:
        return [folder.format(name=name) for folder in self.folders]


RUN = Kind(["runs/{name}"], lambda settings: [run.name for run in list_run_folders(settings)])
MODEL = Kind(["models/{name}"], list_models)


def kinds() -> dict[str, Kind]:
    """Word for the kind -> the kind."""
    found: dict[str, Kind] = {}
    for contribution in contributions():
        for word, place in contribution.carried.items():
            found[word] = cast(Kind, load_place(place))
    return found


def find(settings: Settings, names: Sequence[str]) -> dict[str, list[str]]:
    """Kind -> names, of names as a person gives them: NAME, or KIND:NAME.

    Raises NotFound, and InvalidInput for a name that several kinds have.
    """
    known = {word: kind.names(settings) for word, kind in kinds().items()}
    found: dict[str, list[str]] = {}
    for name in names:
        word, _, inner = name.partition(":")
        if inner and word in known:
            having, wanted = [word] if inner in known[word] else [], inner
        else:
            having, wanted = [word for word, own in known.items() if name in own], name
        if not having:
            raise NotFound(
                say("There is no run, model or collection {name}.", name=name),
                "See: workbench finetune runs, workbench models list, workbench rag list",
            )
        if len(having) > 1:
            raise InvalidInput(
                say("{name} names several things: {kinds}.", name=name, kinds=", ".join(having)),
                say("Write {kind}:{name}.", kind=having[0], name=name),
            )
        if wanted not in found.setdefault(having[0], []):
            found[having[0]].append(wanted)
    return found
