"""Name of an encoder -> its folder on this disk: packaged, a folder, a hub's or ModelScope's."""

from __future__ import annotations

from pathlib import Path

from workbench.confined import check_name
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.models.hubs import snapshot
from workbench.models.packaged import KIND
from workbench.models.packaged_embedders import E5, PACKAGES, packaged_folder
from workbench.settings import Settings

DEFAULT = f"{KIND}:{E5}"  # needs no hub


def encoder_folder(name: str, settings: Settings) -> Path:
    """Names: packaged:multilingual-e5-small, a folder, a hub name, modelscope:NAME.

    Raises NotFound or Unavailable for the model, InvalidInput for one without safetensors: other
    weights may run code when they are read.
    """
    folder = _find(name, settings)
    if not (folder / "config.json").is_file():
        raise NotFound(
            say("{name} is not a model's folder: it has no config.json.", name=name),
            "Give the folder that contains config.json.",
        )
    if not list(folder.glob("*.safetensors")):
        raise InvalidInput(
            say("{folder} has no safetensors weights.", folder=folder),
            "Take the model in safetensors format: other formats may run code when they are read.",
        )
    return folder


def _find(name: str, settings: Settings) -> Path:
    kind, _, packaged = name.partition(":")
    downloads = settings.home / "embedders"
    if kind == KIND:
        if packaged not in PACKAGES:
            raise NotFound(
                say("There is no packaged encoder {name}.", name=packaged),
                say("There are: {names}", names=", ".join(PACKAGES)),
            )
        found = packaged_folder(packaged, settings.cache_folder("embedders"))
        return Path(found) if Path(found).is_dir() else snapshot(found, downloads)
    check_name(name, settings)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.absolute()
    if name.startswith((".", "/", "~")):
        raise NotFound(
            say("There is no folder {folder}.", folder=name),
            "Give the folder of an encoder, or its name on a hub.",
        )
    return snapshot(name, downloads)
