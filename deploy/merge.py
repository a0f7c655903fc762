"""A PEFT LoRA adapter's folder and the base's tensor names -> each merged tensor, computed on
demand.

LoRA (Hu et al. 2021), rsLoRA (Kalajdzievski 2023), DoRA (Liu et al. 2024), modules_to_save, biases,
trainable tokens and resized vocabularies, read as PEFT 0.21 writes them. No more than one tensor is
in memory.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.tensors import Tensors
from workbench.errors import InvalidInput
from workbench.messages import say

PREFIX = "base_model.model."
# End of PEFT's name -> the part that it plays in the module's weight.
PARTS = {
    ".lora_A.weight": "a",
    ".lora_B.weight": "b",
    ".lora_embedding_A": "a",
    ".lora_embedding_B": "b",
    ".lora_magnitude_vector.weight": "magnitude",
    ".lora_magnitude_vector": "magnitude",
    ".token_adapter.trainable_tokens_delta": "rows",
}
VOCABULARY = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "lm_head.weight",
)
STEP = 4096  # rows compared at a time
REPLACES = re.compile(r"(?:\.token_adapter)?(?:\.base_layer|\.modules_to_save)?\.(weight|bias)$")
# Initialisations that change the base's own weights.
REWRITES_BASE = ("pissa", "olora", "corda", "loftq")
PROMPT_METHODS = (
    "PREFIX_TUNING",
    "P_TUNING",
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "ADAPTION_PROMPT",
    "CARTRIDGE",
)


@dataclass
class Change:
    """The adapter's change of one tensor: keys of the adapter's file, and how they combine."""

    parts: dict[str, str] = field(default_factory=dict)
    """replacement | a | b | magnitude | rows | added -> key in the adapter's file."""
    scale: float = 1.0
    transposed: bool = False
    """The weight is stored (in, out), as GPT-2's Conv1D and every embedding."""
    indices: list[int] = field(default_factory=list)
    """Rows of the vocabulary that `rows` replaces."""


class Merge:
    """The changes of one adapter, by the names of the base's tensors.

    `shapes` are the base's tensors. `extra` names tensors of the merged model that the base lacks:
    an output head that is tied in the base and parts from the embedding in the adapter. Raises
    InvalidInput where the adapter has no merged form, or belongs to another base.
    """

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.config = read_adapter(folder)
        self._file = Tensors([folder / "adapter_model.safetensors"])
        self._shapes = shapes
        self.changes: dict[str, Change] = {}
        self.extra: dict[str, str] = {}
        """New tensor -> the base's tensor that it starts from."""
        for key in self._file.places:
            self._read_key(key)
        self._split_tied_head()
        for name, change in self.changes.items():
            self._check(name, change)

    def shape(self, name: str) -> tuple[int, ...]:
        """The merged tensor's shape: a resized vocabulary has more rows than the base's."""
        change = self.changes.get(name, Change())
        replacement = change.parts.get("replacement")
        if replacement:
            return self._file.places[replacement].shape
        rows, *rest = self._shapes[self.extra.get(name, name)]
        # New words are trained rows behind the base's.
        return (max(rows, 1 + max(change.indices, default=-1)), *rest)

    def merged(self, name: str, weight: Any, start: int = 0, stop: int | None = None) -> Any:
        """The merged tensor in float32, or its rows from `start` to before `stop` where `in_rows`
        allows it.

        `weight` is the same part of the base's tensor; for an extra tensor, of `extra[name]`.
        """
        import torch

        change = self.changes.get(name, Change())
        part = {kind: self._read(change, kind, start, stop) for kind in change.parts}
        if "replacement" in part:
            weight = part["replacement"]
        else:
            weight = weight.to(torch.float32, copy=True)
        if "a" in part:
            if change.transposed:
                weight = weight.T
            weight.addmm_(part["b"], part["a"], alpha=change.scale)
            if "magnitude" in part:
                # DoRA: the direction is learned by A and B, the length of each row apart.
                weight = weight * (part["magnitude"] / weight.norm(dim=1)).unsqueeze(1)
            if change.transposed:
                weight = weight.T
        if "added" in part:
            weight = weight + change.scale * part["added"]
        if "rows" in part:
            new = self.shape(name)[0] - len(weight)
            weight = torch.cat([weight, weight.new_zeros(new, weight.shape[1])])
            weight[change.indices] = part["rows"]
        return weight.contiguous()

    def low_rank(self, name: str) -> tuple[Any, Any]:
        """(A, B) of a tensor that LoRA changes, in float32."""
        parts = self.changes[name].parts
        return self._file.rows(parts["a"]).float(), self._file.rows(parts["b"]).float()

    def in_rows(self, name: str) -> bool:
        """Whether a part of the merged tensor needs only that part of the base's."""
        return not {"magnitude", "rows"} & self.changes.get(name, Change()).parts.keys()

    def _read(self, change: Change, kind: str, start: int, stop: int | None) -> Any:
        """A part of the adapter, as far as it changes those rows."""
        key = change.parts[kind]
        has_the_rows = kind == "b" and not change.transposed
        if kind == "replacement" or has_the_rows:
            return self._file.rows(key, start, stop).float()
        whole = self._file.rows(key).float()
        if kind == "a" and change.transposed:
            return whole[:, start:stop]
        return whole

    def _read_key(self, key: str) -> None:
        """File one tensor of the adapter under the base's tensor that it changes."""
        name = key.removeprefix(PREFIX)
        if ".original_module." in name:
            return  # the untrained copy that stands beside a trained module
        for ending, kind in PARTS.items():
            if name.endswith(ending):
                self._read_part(key, name.removesuffix(ending), kind)
                return
        replaced = REPLACES.search(name)
        if name.endswith(".lora_B.bias"):
            module = name.removesuffix(".lora_B.bias")
            change = self._change(f"{module}.bias", "added", key)
            rank = self._file.places[key.replace("lora_B.bias", "lora_A.weight")].shape[0]
            change.scale = self._scale(module, rank)
        elif "lora_" not in name and replaced:
            module = name[: replaced.start()]
            self._change(f"{module}.{replaced.group(1)}", "replacement", key)
        else:
            raise InvalidInput(
                say("The adapter's tensor {name} has no known merged form.", name=name),
                "Merge it with PEFT itself.",
            )

    def _read_part(self, key: str, module: str, kind: str) -> None:
        """File a part of the module's weight."""
        change = self._change(f"{module}.weight", kind, key)
        if kind == "a":
            rank = self._file.places[key].shape[0]
            change.scale = self._scale(module, rank)
            stored_turned = bool(self.config.get("fan_in_fan_out"))
            change.transposed = stored_turned or "lora_embedding" in key
        if kind == "rows":
            change.indices = self._token_indices(module)

    def _change(self, target: str, kind: str, key: str) -> Change:
        change = self.changes.setdefault(self._find(target), Change())
        if kind != "replacement" or ".modules_to_save." in key or kind not in change.parts:
            change.parts[kind] = key
        return change

    def _find(self, target: str) -> str:
        """The base's tensor: by its name, or by the name's end where the base's file has or lacks a
        prefix.
        """
        if target in self._shapes or (target == "lm_head.weight" and self._embedding):
            return target
        ends = []
        for name in self._shapes:
            if name.endswith(f".{target}") or target.endswith(f".{name}"):
                ends.append(name)
        if len(ends) != 1:
            raise InvalidInput(
                say("The adapter changes {target}, which its base does not have.", target=target),
                "The adapter belongs to another base; "
                "set base_model_name_or_path in adapter_config.json.",
            )
        return ends[0]

    @cached_property
    def _embedding(self) -> str:
        """The input embedding's name where the base has no output head of its own, else nothing."""
        if any(name.endswith("lm_head.weight") for name in self._shapes):
            return ""
        for name in self._shapes:
            if name.endswith(VOCABULARY):
                return name
        return ""

    def _split_tied_head(self) -> None:
        """A tied head follows the embedding only where it did so in training."""
        head = "lm_head.weight"
        embedding = self._embedding
        if not embedding or not {head, embedding} & self.changes.keys():
            return
        if head in self.changes:
            if self._same(self.changes[head], self.changes.get(embedding, Change())):
                del self.changes[head]
            else:
                self.extra[head] = embedding
            return
        kept_tied = bool(self.config.get("ensure_weight_tying"))
        if not kept_tied and "rows" not in self.changes[embedding].parts:
            # PEFT trained a copy of the embedding and left the head as it was.
            self.changes[head] = Change()
            self.extra[head] = embedding

    def _same(self, head: Change, embedding: Change) -> bool:
        """Whether both are the same tensor, which PEFT writes twice after resizing a tied
        vocabulary.
        """
        if head.parts.keys() != {"replacement"} or embedding.parts.keys() != {"replacement"}:
            return False
        one = head.parts["replacement"]
        other = embedding.parts["replacement"]
        shape = self._file.places[one].shape
        if shape != self._file.places[other].shape:
            return False
        for start in range(0, shape[0], STEP):
            rows = self._file.rows(one, start, start + STEP)
            if not rows.equal(self._file.rows(other, start, start + STEP)):
                return False
        return True

    def _scale(self, module: str, rank: int) -> float:
        """alpha / r, or alpha / sqrt(r) for rsLoRA; a module's own alpha is found by PEFT's pattern
        rule.
        """
        alpha = self.config.get("lora_alpha", 8)
        for pattern, own in (self.config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                alpha = own
                break
        if self.config.get("use_rslora"):
            return alpha / math.sqrt(rank)
        return alpha / rank

    def _token_indices(self, module: str) -> list[int]:
        given = self.config.get("trainable_token_indices") or self.config.get("token_indices") or []
        if not isinstance(given, dict):
            return list(given)
        for name, rows in given.items():
            if module.endswith(name):
                return rows
        return []

    def _check(self, name: str, change: Change) -> None:
        """The parts fit each other and the base."""
        shape = self.shape(name)
        if "a" in change.parts:
            delta = self._shape_of_delta(change)
            if delta != shape:
                raise InvalidInput(
                    say(
                        "The adapter's change of {name} has the shape {delta}, "
                        "the base's tensor {shape}.",
                        name=name,
                        delta=delta,
                        shape=shape,
                    ),
                    "The adapter belongs to another base, or its base was changed.",
                )
        base = self._shapes[self.extra.get(name, name)]
        grown = name.endswith(VOCABULARY) and shape[1:] == base[1:]
        if shape != base and not grown:
            raise InvalidInput(
                say(
                    "{name} is {shape} in the adapter and {base} in the base.",
                    name=name,
                    shape=shape,
                    base=base,
                ),
                "The adapter belongs to another base.",
            )

    def _shape_of_delta(self, change: Change) -> tuple[int, ...]:
        """The shape of B times A, as the base stores it; empty where they are no matrices."""
        a = self._file.places[change.parts["a"]].shape
        b = self._file.places[change.parts["b"]].shape
        if len(a) != 2 or len(b) != 2:
            return ()
        return (a[1], b[0]) if change.transposed else (b[0], a[1])


def read_adapter(folder: Path) -> dict[str, Any]:
    """The adapter's configuration.

    Raises InvalidInput, with the alternative, where it cannot be merged.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            say("The adapter in {folder} cannot be read: {error}", folder=folder, error=error),
            "Publish a finished run.",
        ) from error
    method = config.get("peft_type", "")
    start = str(config.get("init_lora_weights", "")).lower()
    if method in PROMPT_METHODS:
        raise InvalidInput(
            say(
                "{method} adds trained positions to the attention, which no GGUF file can hold.",
                method=method,
            ),
            "Chat with it here as local:RUN, or train the same data with LoRA and publish that.",
        )
    if method != "LORA" or config.get("target_parameters") or config.get("layer_replication"):
        raise InvalidInput(
            say(
                "Only LoRA adapters on whole modules can be merged here, not {method}.",
                method=method or say("an unknown method"),
            ),
            "Merge it with PEFT's merge_and_unload, save the model, and publish that folder.",
        )
    if start.startswith(REWRITES_BASE):
        raise InvalidInput(
            say("The adapter was started with {start}, which also changed its base.", start=start),
            "Save it with PEFT's path_initial_model_for_weight_conversion, then publish that.",
        )
    if not (folder / "adapter_model.safetensors").exists():
        raise InvalidInput(
            say("{folder} has no adapter_model.safetensors.", folder=folder),
            "Publish a run that has ended.",
        )
    return config
