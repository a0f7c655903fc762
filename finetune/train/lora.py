"""LoRA and its variants: settings, PEFT config, trained parameters, what `check` refuses."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

from pydantic import Field

from finetune.section import MethodSection, Name, problem
from finetune.train.full import TRAINED_BYTES
from finetune.weights import Weights, layer_of
from workbench.messages import say

# what architectures call the layers that PEFT's "all-linear" passes over
VOCABULARY = {"embed_tokens", "lm_head", "wte", "wpe", "word_embeddings"} | {
    "embed_out",
    "output_layer",
}


class Lora(MethodSection):
    """The adapter."""

    rank: int = Field(8, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: Literal["all-linear"] | list[Name] = "all-linear"
    modules_to_save: list[Name] = Field([])


def peft_config(
    settings: Lora,
    model: Any,
    new_tokens: list[int],
    *,
    rank_stabilized: bool = False,
    magnitudes: bool = False,
) -> Any:
    """The LoraConfig. Of the embeddings only the rows of new tokens are trained, in and out.

    `rank_stabilized`: Kalajdzievski (2023), rsLoRA. `magnitudes`: Liu et al. (2024), DoRA.
    """
    from peft import LoraConfig

    tied = model.config.get_text_config().tie_word_embeddings
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.targets,
        modules_to_save=settings.modules_to_save or None,
        use_rslora=rank_stabilized,
        use_dora=magnitudes,
        trainable_token_indices=_grown_layers(settings, model, new_tokens, tied),
        ensure_weight_tying=tied and bool(settings.modules_to_save),
    )


def trainable(settings: Lora, weights: Weights, *, magnitudes: bool = False) -> int:
    """Parameters that are trained: two thin matrices a layer, and the modules saved whole."""
    count = 0
    for name, shape in weights.shapes.items():
        layer = layer_of(name)
        if layer in settings.modules_to_save:
            count += prod(shape)
        elif len(shape) == 2 and _is_target(layer, settings):
            count += settings.rank * sum(shape)
            if magnitudes:
                count += shape[0]
    return count


def memory(weights: Weights, trained: int, bytes_each: int) -> float:
    """Bytes of the frozen base, `bytes_each` a parameter, and of all that training adds to it."""
    return weights.count * bytes_each + trained * TRAINED_BYTES


def problems(settings: Lora, weights: Weights) -> list[dict[str, str]]:
    """What the settings ask of the base that it does not have."""
    layers = weights.matrices()
    found = []
    unknown = [name for name in settings.modules_to_save if name not in layers]
    # a tied head shares the weights of the embedding, and has no tensor of its own in the files
    if unknown and unknown != ["lm_head"]:
        found.append(_no_such_layers("lora.modules_to_save", unknown, layers))
    if settings.targets == "all-linear":
        return found
    unknown = [name for name in settings.targets if name not in layers]
    if unknown:
        found.append(_no_such_layers("lora.targets", unknown, layers))
    if "lm_head" in settings.targets:
        found.append(
            problem(
                "lora.targets",
                say("lm_head cannot carry an adapter here"),
                say("Put it into lora.modules_to_save instead."),
            )
        )
    return found


def _grown_layers(
    settings: Lora, model: Any, new_tokens: list[int], tied: bool
) -> dict[str, list[int]] | None:
    """Embedding and head with the rows to train in each; a layer that is saved whole needs none."""
    if not new_tokens:
        return None
    grown = [_name_of(model, model.get_input_embeddings())]
    if not tied:
        grown.append(_name_of(model, model.get_output_embeddings()))
    return {name: new_tokens for name in grown if name not in settings.modules_to_save}


def _name_of(model: Any, wanted: Any) -> str:
    for name, module in model.named_modules():
        if module is wanted:
            return name.rpartition(".")[2]
    raise LookupError(f"{wanted} is no module of the model")


def _is_target(layer: str, settings: Lora) -> bool:
    if settings.targets == "all-linear":
        return layer not in VOCABULARY
    return layer in settings.targets


def _no_such_layers(
    where: str, unknown: list[str], layers: dict[str, tuple[int, ...]]
) -> dict[str, str]:
    return problem(
        where,
        say("the base has no layer {layers}", layers=", ".join(unknown)),
        say("It has: {layers}.", layers=", ".join(sorted(layers))),
    )
