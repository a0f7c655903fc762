"""A run's name, or a folder -> what can be published: weights, the adapter on them, tokenizer, card, held-out questions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.merge import read_adapter
from workbench.artefacts.model_folder import context_of, digest_of, find_local
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings


@dataclass(frozen=True)
class Artefact:
    """`folder` holds the adapter or the whole model; `base` is the folder with the weights, the same for a whole one."""

    name: str
    folder: Path
    base: Path
    card: dict[str, Any]

    @property
    def adapter(self) -> Path | None:
        return self.folder if self.folder != self.base else None

    @property
    def words(self) -> Path:
        """The folder with the tokenizer: an adapter's own, else the base's."""
        return self.folder if (self.folder / "tokenizer_config.json").exists() else self.base

    @property
    def data_sha256(self) -> str | None:
        """What identifies the data that the run was trained on."""
        return (self.card.get("data") or {}).get("train", {}).get("sha256")

    @property
    def held_out(self) -> Path:
        return self.folder.parent / "data" / "eval.jsonl"

    @property
    def context(self) -> int:
        return context_of(self.folder)

    @cached_property
    def digests(self) -> dict[str, str]:
        """What identifies base, adapter and tokenizer; the same three make the same weights file."""
        words = hashlib.sha256()
        for path in sorted(self.words.glob("*token*")) + sorted(self.words.glob("chat_template*")):
            words.update(path.name.encode() + path.read_bytes())
        own = digest_of(self.folder) if self.adapter else ""
        return {"base": digest_of(self.base), "adapter": own, "tokenizer": words.hexdigest()}

    @cached_property
    def ends(self) -> int | list[int] | None:
        """The end tokens that the model names."""
        for folder in (self.folder, self.base):
            path = folder / "generation_config.json"
            if path.exists():
                return json.loads(path.read_text("utf-8")).get("eos_token_id")
        return None

    @cached_property
    def tokenizer(self) -> Any:
        return load_tokenizer(self.words)

    @property
    def adapter_size(self) -> int:
        """Bytes of the adapter's weights."""
        return sum(path.stat().st_size for path in self.folder.glob("adapter_model.safetensors"))

    @property
    def weight(self) -> int:
        """Numbers in the base's weights files, at two bytes each; the file sizes tell without reading."""
        return sum(path.stat().st_size for path in self.base.glob("*.safetensors")) // 2


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in that folder. Raises InvalidInput where there is none."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            say(
                "{folder} has no tokenizer that can be read: {error}",
                folder=folder,
                error=str(error).splitlines()[0],
            ),
            "Copy the tokenizer's files there from the base model.",
        ) from error


def find_artefact(name: str, settings: Settings) -> Artefact:
    """Raises NotFound (no such run, or its base has moved), InvalidInput (a method without a merged form), Conflict
    (the base's content is not what the run was trained on)."""
    folder = find_local(name, settings)
    run = folder.parent if folder.name == "adapter" else folder
    card = _read_card(run / "card.json")
    shown = run.name
    if not (folder / "adapter_config.json").exists():
        if not any(folder.glob("*.safetensors")):
            raise NotFound(
                say("{folder} has no weights (*.safetensors).", folder=folder),
                "Publish a run that has ended.",
            )
        return Artefact(shown, folder, folder, card)
    base = _find_base(read_adapter(folder)["base_model_name_or_path"], folder)
    if (trained := card.get("base_digest")) and trained != digest_of(base):
        raise Conflict(
            say(
                "The base model in {base} is not the one that {shown} was trained on.",
                base=base,
                shown=shown,
            ),
            "Put the original back, or train again on this one.",
        )
    return Artefact(shown, folder, base, card)


def _find_base(name: str, adapter: Path) -> Path:
    """The base's folder: as the adapter names it, or from the hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    if (Path(name) / "config.json").exists():
        return Path(name).absolute()
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise NotFound(
            say("The base model {name} is not there any more.", name=name),
            say(
                "Move it back, or set base_model_name_or_path in {adapter} to where it is.",
                adapter=adapter / "adapter_config.json",
            ),
        ) from error


def _read_card(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(
            say("{path} is not JSON: {error}", path=path, error=error), "Restore it, or delete it."
        ) from error
