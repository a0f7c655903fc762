"""A model's or adapter's folder -> its base in memory, loaded once per process, with the adapter chosen on it."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import quiet_transformers
from workbench.messages import say

SAMPLE = 1 << 20  # bytes read from either end of a weights file for the digest


@dataclass
class LoadedBase:
    """A base model in memory and the adapters that have been put on it. One question at a time holds the lock."""

    model: Any
    adapters: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class LoadedModel:
    """A base with one adapter chosen on it, or with none (an empty name), and the tokenizer that belongs to both."""

    base: LoadedBase
    tokenizer: Any
    adapter: str = ""

    def choose_adapter(self) -> None:
        """Switch the base to this adapter, or to none. Only while holding the base's lock."""
        if self.adapter:
            self.base.model.set_adapter(self.adapter)
            self.base.model.enable_adapter_layers()
        elif self.base.adapters:
            self.base.model.disable_adapter_layers()


_loaded: dict[str, LoadedBase] = {}
_loading = threading.Lock()


def load_local(folder: Path) -> LoadedModel:
    """The model in that folder, its base loaded once per process; adapters are switched on it."""
    from transformers import AutoTokenizer

    quiet_transformers()
    with _loading:
        config = _read(folder / "adapter_config.json")
        name = config["base_model_name_or_path"] if config else str(folder)
        words = folder if (folder / "tokenizer_config.json").exists() else name
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(words), trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise _not_loaded(str(words), error) from error
        base = _load_base(name, len(tokenizer))
        if not config:
            return LoadedModel(base, tokenizer)
        adapter = f"{folder.parent.name}_{digest_of(folder)[:16]}".replace(".", "_")
        if adapter not in base.adapters:
            _add_adapter(base, folder, adapter)
        return LoadedModel(base, tokenizer, adapter)


def digest_of(folder: Path) -> str:
    """What identifies the weights in that folder: sha256 of the configuration and of both ends of each weights file."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*config.json"), *folder.glob("*.safetensors")]):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(SAMPLE))
            file.seek(max(size - SAMPLE, 0))
            digest.update(file.read())
    return digest.hexdigest()


def context_of(folder: Path) -> int:
    """The longest context that the model was made for, in tokens; 0 where its configuration does not tell."""
    adapter = _read(folder / "adapter_config.json")
    config = (
        _read(Path(adapter["base_model_name_or_path"]) / "config.json")
        if adapter
        else _read(folder / "config.json")
    )
    config = config.get("text_config", config)
    return config.get("max_position_embeddings") or config.get("n_positions") or 0


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in that file; empty where there is no file. An adapter must name its base."""
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(
            say("{path} is not JSON: {error}", path=path, error=error),
            "Copy the folder again from where it came.",
        ) from error
    if path.name == "adapter_config.json" and not data.get("base_model_name_or_path"):
        raise InvalidInput(
            say("{path} names no base model.", path=path),
            "Set base_model_name_or_path in it to the base's folder.",
        )
    return data


def _load_base(name: str, words: int) -> LoadedBase:
    """The base by folder or hub name, its vocabulary grown to `words`; another size or content is another base."""
    import torch
    from transformers import AutoModelForCausalLM

    key = f"{name} {words} {digest_of(Path(name))}"
    if key in _loaded:
        return _loaded[key]
    device = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype="auto", use_safetensors=True, trust_remote_code=False
        )
        if words > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(words)
        model = (
            model.float() if device == "cpu" else model.to(device)
        )  # halves are slow or missing on CPUs
    except torch.cuda.OutOfMemoryError as error:
        raise Unavailable(
            "The GPU has no room for the model.",
            "Close other programs on it, or choose a smaller model.",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_loaded(name, error) from error
    model.eval()
    _loaded[key] = LoadedBase(model)
    return _loaded[key]


def _add_adapter(base: LoadedBase, folder: Path, name: str) -> None:
    """Put one more adapter on the base, on the base's own device."""
    from peft import PeftModel

    device = str(base.model.device)
    with base.lock:
        try:
            if base.adapters:
                base.model.load_adapter(str(folder), adapter_name=name, torch_device=device)
            else:
                base.model = PeftModel.from_pretrained(
                    base.model, str(folder), adapter_name=name, torch_device=device
                )
        except (RuntimeError, ValueError, OSError) as error:
            raise InvalidInput(
                say(
                    "The adapter {folder} does not fit its base: {error}",
                    folder=folder,
                    error=str(error).splitlines()[0],
                ),
                "Its base was changed or replaced; train it again, or restore the base.",
            ) from error
        base.model.eval()
        base.adapters.add(name)


def _not_loaded(name: str, error: Exception) -> NotFound:
    return NotFound(
        f"The model {name} cannot be loaded: {(str(error).splitlines() or ['no reason given'])[0]}",
        "It must be a folder in Hugging Face's layout with safetensors weights and no code of its own; "
        "an adapter's base must be where its adapter_config.json says.",
    )
