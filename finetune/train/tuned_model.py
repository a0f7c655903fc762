"""A base and the run's method -> the model to train, and the PEFT config of what is put on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.methods import METHODS
from finetune.parallel import holds_all_weights
from finetune.run.config import ConfigProblems
from finetune.run.suitability import token_problems
from finetune.train.attention import choose_attention
from finetune.train.base_model import load_model
from finetune.train.device import dtype_of
from finetune.train.order import Order


def load_tuned(
    order: Order, tokenizer: Any, added: Sequence[str], device: str, precision: str
) -> tuple[Any, Any]:
    """(the base on its device, its PEFT config or None where the base itself is trained).

    `added` are the tokens that the tokenizer has beyond the base's. Raises ConfigProblems for
    a method that cannot learn them.
    """
    config = order.config
    method = METHODS[config.method]
    problems = token_problems(config, added)
    if problems:
        raise ConfigProblems(order.run.run_file, problems, config)
    dtype = dtype_of("fp32" if method.trains_base else precision)
    attention = ""
    if not method.stands_before_text:
        attention = choose_attention(config, order.base, device, dtype, order.report)
    model = load_model(
        order.base,
        len(tokenizer),
        dtype,
        device,
        quantized=method.quantizes,
        stays=not holds_all_weights(config),
        attention=attention,
        trusted=config.remote_code,
    )
    new_tokens = tokenizer.convert_tokens_to_ids(list(added))
    return model, method.peft_config(config.tuning, model, new_tokens)
