"""A model's name or folder -> its base, tokenizer, context, digest, end tokens and size."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.confined import check_name, inside, is_inside, is_path
from workbench.errors import InvalidInput, NotFound
from workbench.extras import quiet_transformers
from workbench.messages import say
from workbench.settings import Settings

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
SAMPLE = 1 << 20  # bytes read from either end of a weights file for the digest

# Tokens that end a turn in the usual templates. A base that was tuned on one template often
# still names another token as its end of text, so the template's own token counts too.
END_MARKS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|endoftext|>")


def find_local(name: str, settings: Settings) -> Path:
    """The folder of a run or workspace model by its name, or of any model by its path.

    Raises NotFound with near names, Forbidden for a path that the person may not name.
    """
    if is_path(name):
        inside(name, settings)
    places = [
        settings.home / "runs" / name / "model",
        settings.home / "runs" / name / "adapter",
        settings.home / "models" / name,
        Path(name).expanduser(),
    ]
    for folder in places:
        if is_model(folder) and is_inside(folder, settings):
            _check_base(folder, settings)
            return folder.absolute()
    raise NotFound(
        say(
            "There is no model {name}: no such folder, run or workspace model with a config.json.",
            name=name,
        ),
        _near(name, [*list_models(settings), *list_trained(settings)]),
    )


def _check_base(folder: Path, settings: Settings) -> None:
    """Whoever made an adapter has named its base: a path there is a path from a person too."""
    if settings.role != "admin" and is_adapter(folder):
        check_name(base_of(folder), settings)


def list_models(settings: Settings) -> list[str]:
    """Names of the whole models in the workspace. A folder with a corrupt config is left out."""
    folders = [path.parent for path in settings.home.glob(f"models/*/{CONFIG}")]
    return [folder.name for folder in sorted(folders) if _is_readable(folder)]


def list_trained(settings: Settings) -> list[str]:
    """Names of the runs with an adapter or a whole model, the newest first, no corrupt one."""
    adapters = settings.home.glob(f"runs/*/adapter/{ADAPTER_CONFIG}")
    models = settings.home.glob(f"runs/*/model/{CONFIG}")
    configs = sorted([*adapters, *models], key=os.path.getmtime, reverse=True)
    return [path.parents[1].name for path in configs if _is_readable(path.parent)]


def base_of(folder: Path) -> str:
    """The base's folder or hub name for an adapter; the folder itself for a whole model.

    Raises InvalidInput for a corrupt adapter_config.json and for one that names no base.
    """
    path = folder / ADAPTER_CONFIG
    if not path.exists():
        return str(folder)
    base = _read(path).get("base_model_name_or_path")
    if not base:
        raise InvalidInput(
            say("{path} names no base model.", path=path),
            "Set base_model_name_or_path in it to the base's folder.",
        )
    return str(base)


def is_model(folder: Path) -> bool:
    """Whether the folder has a whole model or an adapter."""
    return (folder / CONFIG).exists() or is_adapter(folder)


def is_adapter(folder: Path) -> bool:
    """Whether the folder has an adapter and needs a base, or a whole model."""
    return (folder / ADAPTER_CONFIG).exists()


def positions_before_text(folder: Path) -> int:
    """How many positions an adapter puts before the text, as prefix and prompt tuning do; else 0.

    Raises InvalidInput for a corrupt configuration.
    """
    config = _read(folder / ADAPTER_CONFIG) if is_adapter(folder) else {}
    count = config.get("num_virtual_tokens")
    return count if isinstance(count, int) else 0


def context_of(folder: Path) -> int:
    """The longest text that the model was made for, in tokens; 0 where it is unknown.

    Raises InvalidInput for a corrupt configuration.
    """
    path = Path(base_of(folder)) / CONFIG
    config = _read(path) if path.exists() else {}
    part = config.get("text_config")  # models of text and pictures
    if isinstance(part, dict):
        config = part
    context = config.get("max_position_embeddings") or config.get("n_positions")
    if not isinstance(context, int):
        return 0
    return max(context - positions_before_text(folder), 1)


def digest_of(folder: Path) -> str:
    """What identifies the weights in that folder, as a hexadecimal sha256.

    It covers the configuration and both ends of each weights file: whole files take minutes.
    """
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*config.json"), *folder.glob("*.safetensors")]):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(SAMPLE))
            file.seek(max(size - SAMPLE, 0))
            digest.update(file.read())
    return digest.hexdigest()


def needs_own_code(folder: Path) -> bool:
    """Whether a model's architecture is code of its repository, and not one of transformers."""
    path = folder / CONFIG
    config = _read(path) if path.exists() else {}
    return "auto_map" in config and not _is_known(str(config.get("model_type")))


def own_code(folder: Path) -> dict[str, str]:
    """The files of code that a model needs, each with its sha256; none where it needs none."""
    if not needs_own_code(folder):
        return {}
    found = {}
    for file in sorted(folder.rglob("*.py")):
        name = str(file.relative_to(folder))
        found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def weights_size(folder: Path) -> int:
    """Bytes of the weights files in that folder, read from their sizes alone."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def tokenizer_folder(folder: Path) -> str:
    """Where the tokenizer is: the folder's own, else its base's (a folder or a hub name)."""
    if (folder / "tokenizer_config.json").exists():
        return str(folder)
    return base_of(folder)


def load_tokenizer(name: str | Path, trusted: bool = False) -> Any:
    """The tokenizer in a folder or on the hub; `trusted` runs code of its own. Raises NotFound."""
    quiet_transformers()
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(name), trust_remote_code=trusted)
    except (OSError, ValueError) as error:
        raise NotFound(
            say(
                "The tokenizer {name} cannot be loaded: {error}",
                name=name,
                error=first_line(error),
            ),
            "Copy the tokenizer's files there from the base model; "
            "where the hub is blocked, get them from ModelScope.",
        ) from error


def named_ends(folder: Path) -> int | list[int] | None:
    """The end tokens that the folder's generation_config.json names, as it names them."""
    path = folder / "generation_config.json"
    return _read(path).get("eos_token_id") if path.exists() else None


def end_tokens(tokenizer: Any, named: int | list[int] | None) -> list[int]:
    """Every token that ends an answer, ascending: the tokenizer's, the model's, the template's.

    `named` is the eos_token_id of the model's generation configuration.
    """
    ends = {tokenizer.eos_token_id}
    ends.update(named if isinstance(named, list) else [named])
    ends.discard(None)
    vocabulary = tokenizer.get_vocab()
    template = str(tokenizer.chat_template)
    for mark in END_MARKS:
        if mark in vocabulary and mark in template:
            ends.add(vocabulary[mark])
    return sorted(ends)


def first_line(error: Exception) -> str:
    """The first line of a library's error: the rest repeats advice that does not apply here."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in that file. Raises InvalidInput for anything else."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # also bytes that are no UTF-8
        raise InvalidInput(
            say("{path} is not JSON: {error}", path=path, error=error),
            "Copy the folder again from where it came.",
        ) from error
    if not isinstance(data, dict):
        raise InvalidInput(
            say("{path} is not a JSON object.", path=path),
            "Copy the folder again from where it came.",
        )
    return data


def _is_known(kind: str) -> bool:
    from transformers import CONFIG_MAPPING

    return kind in CONFIG_MAPPING


def _is_readable(folder: Path) -> bool:
    """Whether the configuration is a JSON object. One corrupt folder must not hide the others."""
    try:
        _read(folder / (ADAPTER_CONFIG if is_adapter(folder) else CONFIG))
    except (InvalidInput, OSError):
        return False
    return True


def _near(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 3)
    if near:
        return say("Did you mean {names}?", names=", ".join(near))
    return "Name a folder with a Hugging Face model or an adapter."
