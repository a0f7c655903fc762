"""Prefix tuning, P-Tuning v2 and prompt tuning: trained positions before the text, no weight.

Liu et al. (2022), P-Tuning v2; Li and Liang (2021), Prefix-Tuning; Lester et al. (2021), The Power
of Scale for Parameter-Efficient Prompt Tuning.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from finetune.section import MethodSection, problem
from finetune.train.full import TRAINED_BYTES
from finetune.weights import Weights, with_usual_names
from workbench.messages import say


class Prefix(MethodSection):
    """Keys and values before the text in every layer."""

    tokens: int = Field(20, ge=1)  # positions before the text
    projection: bool = True  # made by a network of two layers, which is trained in their place
    width: int = Field(0, ge=0)  # of that network; 0: as wide as the base


class PTuning(Prefix):
    """The same with the settings of P-Tuning v2."""

    tokens: int = Field(128, ge=1)
    projection: bool = False


class Prompt(MethodSection):
    """Embeddings before the text, in the first layer alone."""

    tokens: int = Field(20, ge=1)
    text: str = ""  # words whose embeddings they begin as; empty: words drawn from the vocabulary


def prefix_config(settings: Prefix, model: Any, new_tokens: list[int]) -> Any:
    """The PrefixTuningConfig."""
    from peft import PrefixTuningConfig

    sizes = with_usual_names(model.config.get_text_config().to_dict())
    heads, size = _keys(sizes)
    return PrefixTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=settings.tokens,
        num_layers=sizes["num_hidden_layers"],
        num_attention_heads=heads,
        token_dim=heads * size,
        prefix_projection=settings.projection,
        encoder_hidden_size=settings.width or sizes["hidden_size"],
    )


def prompt_config(settings: Prompt, model: Any, new_tokens: list[int]) -> Any:
    """The PromptTuningConfig."""
    from peft import PromptTuningConfig

    start: dict[str, Any] = {"prompt_tuning_init": "SAMPLE_VOCAB"}
    if settings.text:
        start = {
            "prompt_tuning_init": "TEXT",
            "prompt_tuning_init_text": settings.text,
            "tokenizer_name_or_path": model.name_or_path,
        }
    return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=settings.tokens, **start)


def prefix_trainable(settings: Prefix, weights: Weights) -> int:
    """A key and a value for each position and layer; with a projection, the network's weights."""
    layers = weights.config.get("num_hidden_layers", 0)
    heads, each = _keys(weights.config)
    size = heads * each
    if not settings.projection:
        return settings.tokens * layers * 2 * size
    width = settings.width or weights.config.get("hidden_size", 0)
    first = size * width + width
    second = (width + 1) * layers * 2 * size
    return settings.tokens * size + first + second


def prompt_trainable(settings: Prompt, weights: Weights) -> int:
    """An embedding for each position."""
    return settings.tokens * weights.config.get("hidden_size", 0)


def memory(weights: Weights, trained: int, bytes_each: int) -> float:
    """Bytes of the frozen base, `bytes_each` a parameter, and of all that training adds to it."""
    return weights.count * bytes_each + trained * TRAINED_BYTES


def problems(settings: Prefix | Prompt, weights: Weights) -> list[dict[str, str]]:
    """Positions that would leave the text no room in the base's context."""
    context = weights.config.get("max_position_embeddings") or settings.tokens + 1
    if settings.tokens < context:
        return []
    return [
        problem(
            f"{settings.method}.tokens",
            say("the base's context has {context} tokens in all", context=context),
            say("Lower it: the text needs the rest."),
        )
    ]


def conflicts(config: Any) -> list[dict[str, str]]:
    """Settings of the run that do not go with positions before the text."""
    if not config.training.packing:
        return []
    return [
        problem(
            "training.packing",
            say("{method} does not train on packed rows", method=config.method),
            say("Leave out packing: the positions stand before each conversation."),
        )
    ]


def prefix_conflicts(config: Any) -> list[dict[str, str]]:
    """The same, and what takes the cache away that holds the keys and values."""
    found = conflicts(config)
    if config.training.gradient_checkpointing:
        found.append(
            problem(
                "training.gradient_checkpointing",
                say("{method} does not train with it", method=config.method),
                say("Leave it out, and lower training.batch where memory is short."),
            )
        )
    return found


def _keys(sizes: dict[str, Any]) -> tuple[int, int]:
    """(heads with keys and values of their own, numbers of a key) of a layer."""
    heads = sizes.get("num_attention_heads") or 1
    each = sizes.get("head_dim") or sizes.get("hidden_size", 0) // heads
    return sizes.get("num_key_value_heads") or heads, each
