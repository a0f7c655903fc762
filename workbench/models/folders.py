"""A model folder on this disk, looked at without loading it: whether one can talk to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.artefacts import model_folder
from workbench.errors import InvalidInput, NotFound
from workbench.files import read_json
from workbench.messages import say

INDEX = "model.safetensors.index.json"
DOWNLOAD_AGAIN = "Download it again, or copy the whole folder."


def check_folder(path: str | Path) -> Path:
    """The absolute folder of a whole model or an adapter that can chat.

    Raises NotFound or InvalidInput for what is missing in it.
    """
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise NotFound(
            say("There is no folder {folder}.", folder=folder),
            "Give the folder of a model in Hugging Face's layout, or a hub name such as "
            "Qwen/Qwen3-0.6B.",
        )
    if not model_folder.is_model(folder):
        raise _no_model(folder)
    model_folder.context_of(folder)  # raises for a damaged configuration
    _check_weights(folder)
    if not _has_template(folder):
        raise InvalidInput(
            "The model has no chat template, so it cannot be talked to.",
            "Choose an instruct or chat model, or tune one.",
        )
    return folder


def _no_model(folder: Path) -> NotFound:
    problem = say("{name} is not a model's folder: it has no config.json.", name=folder)
    if list(folder.glob("*.gguf")):
        return NotFound(
            problem,
            "Ollama runs GGUF files: write `FROM ./FILE.gguf` into a Modelfile there and run "
            "`ollama create NAME`.",
        )
    return NotFound(problem, "Give the folder that contains config.json.")


def _check_weights(folder: Path) -> None:
    weights = {file.name for file in folder.glob("*.safetensors")}
    if not weights:
        raise InvalidInput(
            say("{folder} has no safetensors weights.", folder=folder),
            "Take the model in safetensors format: other formats may run code when they are read.",
        )
    index: dict[str, Any] = read_json(folder / INDEX, {})
    lacking = sorted(set(index.get("weight_map", {}).values()) - weights)
    if lacking:
        raise InvalidInput(
            say("{folder} is half-downloaded: {file} is missing.", folder=folder, file=lacking[0]),
            DOWNLOAD_AGAIN,
        )


def _has_template(folder: Path) -> bool:
    """Whether the tokenizer's files have a chat template. A base on the hub is not looked at."""
    place = Path(model_folder.tokenizer_folder(folder))
    if not place.is_dir():
        return True
    if list(place.glob("chat_template.*")):
        return True
    return bool(read_json(place / "tokenizer_config.json", {}).get("chat_template"))
