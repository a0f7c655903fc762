"""A run's name, or a folder -> what can be published: weights, adapter, tokenizer, run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.merge import read_adapter
from workbench.artefacts.model_folder import (
    ADAPTER_CONFIG,
    base_of,
    context_of,
    digest_of,
    find_local,
    is_adapter,
    load_tokenizer,
    named_ends,
    tokenizer_folder,
    weights_size,
)
from workbench.artefacts.run_folder import RunFolder, run_around
from workbench.errors import Conflict, NotFound
from workbench.messages import say
from workbench.models.packaged import KIND, gguf_of, resolve_base, restore
from workbench.settings import Settings


@dataclass(frozen=True)
class Artefact:
    """`folder` has the adapter or the whole model; `base` the weights, the same for a whole one."""

    run: RunFolder
    folder: Path
    base: Path
    packaged: Path | None = None
    """The GGUF file that the model was read from, where a package carries it."""

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def adapter(self) -> Path | None:
        return self.folder if self.folder != self.base else None

    @property
    def words(self) -> Path:
        """The folder with the tokenizer: an adapter's own, else the base's."""
        if tokenizer_folder(self.folder) == str(self.folder):
            return self.folder
        return self.base

    @cached_property
    def card(self) -> dict[str, Any]:
        return self.run.card

    @property
    def data_sha256(self) -> str | None:
        """What identifies the data that the run was trained on."""
        return self.run.data_sha256

    @property
    def held_out(self) -> Path:
        """The conversations that the training has not seen, as JSON lines."""
        return self.run.eval_data

    @property
    def context(self) -> int:
        """Tokens that the model was made for; 0 where it is unknown."""
        return context_of(self.folder)

    @cached_property
    def digests(self) -> dict[str, str]:
        """What identifies base, adapter and tokenizer; the same three make the same file."""
        words = hashlib.sha256()
        files = sorted(self.words.glob("*token*")) + sorted(self.words.glob("chat_template*"))
        for path in files:
            words.update(path.name.encode() + path.read_bytes())
        own = digest_of(self.folder) if self.adapter else ""
        return {"base": digest_of(self.base), "adapter": own, "tokenizer": words.hexdigest()}

    @cached_property
    def ends(self) -> int | list[int] | None:
        """The end tokens that the model names: the adapter's own, else the base's."""
        if (self.folder / "generation_config.json").exists():
            return named_ends(self.folder)
        return named_ends(self.base)

    @cached_property
    def tokenizer(self) -> Any:
        """Raises NotFound."""
        return load_tokenizer(self.words)

    @property
    def adapter_size(self) -> int:
        """Bytes of the adapter's weights."""
        return sum(path.stat().st_size for path in self.folder.glob("adapter_model.safetensors"))

    @property
    def weight(self) -> int:
        """Numbers in the base's weights files, if each takes two bytes; no file is read."""
        return weights_size(self.base) // 2


def find_artefact(name: str, settings: Settings) -> Artefact:
    """What the name or folder means.

    Raises NotFound (no such run, or its base has moved), InvalidInput (a method without a merged
    form), Conflict (the base's content is not what the run was trained on).
    """
    folder = find_local(resolve_base(name, settings), settings)
    run = run_around(folder)
    if not is_adapter(folder):
        if not weights_size(folder):
            raise NotFound(
                say("{folder} has no weights (*.safetensors).", folder=folder),
                "Publish a run that has ended.",
            )
        return Artefact(run, folder, folder, _packaged_file(name))
    read_adapter(folder)
    base = _find_base(folder)
    trained_on = run.base_digest
    if trained_on and trained_on != digest_of(base):
        raise Conflict(
            say(
                "The base model in {base} is not the one that {shown} was trained on.",
                base=base,
                shown=run.name,
            ),
            "Put the original back, or train again on this one.",
        )
    return Artefact(run, folder, base)


def _packaged_file(name: str) -> Path | None:
    kind, _, rest = name.partition(":")
    return gguf_of(rest) if kind == KIND else None


def _find_base(adapter: Path) -> Path:
    """The base's folder: as the adapter names it, or from the hub's cache. Raises NotFound."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    name = base_of(adapter)
    restore(Path(name))
    if (Path(name) / "config.json").exists():
        return Path(name).absolute()
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise NotFound(
            say("The base model {name} no longer exists.", name=name),
            say(
                "Move it back, or set base_model_name_or_path in {adapter} to where it is.",
                adapter=adapter / ADAPTER_CONFIG,
            ),
        ) from error
