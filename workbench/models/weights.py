"""A model folder -> its base in memory, loaded once, with the adapter chosen on it."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.artefacts.model_folder import (
    base_of,
    digest_of,
    first_line,
    is_adapter,
    load_tokenizer,
    positions_before_text,
    tokenizer_folder,
)
from workbench.artefacts.run_folder import RunFolder, run_around
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import say
from workbench.models.packaged import restore

# Bases kept in memory: side by side needs two at most. An older one is loaded again when asked.
KEPT = 2

log = logging.getLogger(__name__)


@dataclass
class LoadedBase:
    """A base model in memory and the adapters on it. One answer at a time has the lock.

    `model` is what answers now: the base itself, `tuned` with one of its adapters, or one of the
    base's wrappers in `prompts`. PEFT refuses adapters that change weights and ones that stand
    before the text on one model, so each of the latter wraps the base for itself.
    """

    model: Any
    tuned: Any = None
    adapters: set[str] = field(default_factory=set)
    prompts: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.plain = self.model


@dataclass(frozen=True)
class LoadedModel:
    """A base, the tokenizer, and the folder and name of an adapter (None and "" without one)."""

    base: LoadedBase
    tokenizer: Any
    folder: Path | None = None
    adapter: str = ""

    def without_adapter(self) -> LoadedModel:
        """The base alone, with the same tokenizer."""
        return replace(self, folder=None, adapter="")

    def choose_adapter(self) -> None:
        """Switch the base to this adapter, or to none. Only while holding the base's lock.

        The adapter is put on here, not while loading: a base that is at work must not make the
        questions to other models wait. Raises InvalidInput for an adapter that does not fit.
        """
        base = self.base
        if base.adapters:
            base.tuned.disable_adapter_layers()
        if not self.folder:
            base.model = base.plain
        elif positions_before_text(self.folder):
            if self.adapter not in base.prompts:
                base.prompts[self.adapter] = _wrap(base.plain, self.folder, self.adapter)
            base.model = base.prompts[self.adapter]
        else:
            if self.adapter not in base.adapters:
                _add_adapter(base, self.folder, self.adapter)
            base.tuned.set_adapter(self.adapter)
            base.tuned.enable_adapter_layers()
            base.model = base.tuned


# key of a base -> the base, the last used at the end
_bases: dict[str, LoadedBase] = {}
# key of a base -> the lock of its loading, which takes minutes for a large one
_loading: dict[str, threading.Lock] = {}
_guard = threading.Lock()  # of both, never held for long


def load_local(folder: Path, run: RunFolder | None = None) -> LoadedModel:
    """The model in that folder. Its base is loaded once; the KEPT last used ones stay in memory.

    Code of the base's own is run only where it was allowed for `run`, by default the one that the
    folder belongs to.

    Raises NotFound for a folder that cannot be loaded, InvalidInput for a corrupt one,
    Unavailable where the GPU has no room.
    """
    quiet_transformers()
    restore(Path(base_of(folder)))
    trusted = (run or run_around(folder)).trusts(Path(base_of(folder)))
    tokenizer = load_tokenizer(tokenizer_folder(folder), trusted)
    base = _find_base(base_of(folder), len(tokenizer), trusted)
    if not is_adapter(folder):
        return LoadedModel(base, tokenizer)
    # the digest, so that an adapter that was trained again is another one; PEFT refuses dots
    adapter = f"{folder.parent.name}_{digest_of(folder)[:16]}".replace(".", "_")
    return LoadedModel(base, tokenizer, folder, adapter)


def _find_base(name: str, tokens: int, trusted: bool) -> LoadedBase:
    """The base by folder or hub name; another content or vocabulary size is another base."""
    key = f"{name} {tokens} {digest_of(Path(name))} {trusted}"
    with _guard:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:
        with _guard:
            base = _bases.pop(key, None)
            if base:
                _bases[key] = base  # now the last used
                return base
        _make_room()
        base = LoadedBase(_load_model(name, tokens, trusted))
        with _guard:
            _bases[key] = base
        return base


def _make_room() -> None:
    """Let go of the bases that were not used for longest, so that with a new one KEPT remain."""
    with _guard:
        idle = [key for key, base in _bases.items() if not base.lock.locked()]
        surplus = max(len(_bases) - KEPT + 1, 0)
        dropped = idle[:surplus]
        for key in dropped:
            del _bases[key]
    if not dropped:
        return
    for key in dropped:
        log.info("Unloaded the base %s to make room for another.", key.split(" ")[0])
    gc.collect()  # a model with adapters has circles of references


def _load_model(name: str, tokens: int, trusted: bool) -> Any:
    """The model on the fastest device, its vocabulary grown to that many tokens."""
    check_extra("local", ["torch"], "A model in a folder")
    import torch
    from transformers import AutoModelForCausalLM

    device = _device()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype="auto", use_safetensors=True, trust_remote_code=trusted
        )
        if tokens > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(tokens)
        # 16-bit numbers are slow or missing on CPUs
        model = model.float() if device == "cpu" else model.to(device)
    except torch.cuda.OutOfMemoryError as error:
        raise Unavailable(
            "The GPU has no room for the model.",
            "Close other programs on it, or choose a smaller model.",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound(
            say("The model {name} cannot be loaded: {error}", name=name, error=first_line(error)),
            "It must be a folder in Hugging Face's layout with safetensors weights and no code of "
            "its own; an adapter's base must be where its adapter_config.json says.",
        ) from error
    model.eval()
    return model


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def _add_adapter(base: LoadedBase, folder: Path, name: str) -> None:
    """Put one more adapter on the base's weights, on the base's own device."""
    if not base.adapters:
        base.tuned = _wrap(base.plain, folder, name)
    else:
        with _maps_misfit(folder):
            device = str(base.plain.device)
            base.tuned.load_adapter(str(folder), adapter_name=name, torch_device=device)
        base.tuned.eval()
    base.adapters.add(name)


def _wrap(model: Any, folder: Path, name: str) -> Any:
    """PEFT's model around that one, with the adapter in the folder."""
    check_extra("train", ["peft"], say("A tuned model"))
    from peft import PeftModel

    device = str(model.device)
    with _maps_misfit(folder):
        wrapped: Any = PeftModel.from_pretrained(
            model, str(folder), adapter_name=name, torch_device=device
        )
    return wrapped.eval()


@contextmanager
def _maps_misfit(folder: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(
            say(
                "The adapter {folder} does not fit its base: {error}",
                folder=folder,
                error=first_line(error),
            ),
            "Its base was changed or replaced; train it again, or restore the base.",
        ) from error
