"""QLoRA: LoRA on a base whose layers are kept in four bits by bitsandbytes.

Dettmers et al. (2023), QLoRA: Efficient Finetuning of Quantized LLMs.
"""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from finetune.section import problem
from finetune.train.full import TRAINED_BYTES
from finetune.train.lora import VOCABULARY
from finetune.weights import Weights, layer_of
from workbench.errors import Unavailable
from workbench.extras import check_extra
from workbench.messages import listed, say

# bytes of a number in four bits, with its share of the scales of each 64, themselves in eight bits
FOUR_BITS = 0.516


def quantization(dtype: Any) -> Any:
    """How the base is loaded: NF4 with quantized scales, its products in `dtype`."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def keep_trainable(model: Any) -> None:
    """Keep the weights as they are when answers are measured or sampled between two steps.

    On a processor with AVX-512 BF16, bitsandbytes packs them for answering at the first forward
    that is no training, and what is packed passes no gradient on.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def memory(weights: Weights, trained: int, bytes_each: int) -> float:
    """Bytes of the frozen base in four bits, and of all that training adds to it."""
    kept = 0.0
    for name, shape in weights.shapes.items():
        quantized = len(shape) == 2 and layer_of(name) not in VOCABULARY
        kept += prod(shape) * (FOUR_BITS if quantized else bytes_each)
    return kept + trained * TRAINED_BYTES


def conflicts(config: Any) -> list[dict[str, str]]:
    """What the machine lacks for four bits."""
    instead = say('Or set method = "lora", which takes more memory and learns the same.')
    if sys.platform == "darwin":
        fault = say("bitsandbytes does not train in four bits on a Mac")
        return [problem("lora.method", fault, instead)]
    try:
        check_extra("qlora", ["bitsandbytes"], say("Training in four bits"))
    except Unavailable as error:
        return [problem("lora.method", error.problem, listed([error.fix, instead], " "))]
    return []
