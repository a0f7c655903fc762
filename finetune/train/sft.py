"""Supervised fine-tuning: a prepared run -> TRL's SFTTrainer on rows tokenized and masked here."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from finetune.encoding.batches import TokenRow, as_rows, pack
from finetune.encoding.masking import Encoded
from finetune.run.config import RunConfig
from finetune.run.preparation import encode_rows
from finetune.train.arguments import training_arguments
from finetune.train.attention import collator_for
from finetune.train.base_model import load_tokenizer
from finetune.train.device import choose_device
from finetune.train.order import Order
from finetune.train.tuned_model import load_tuned
from finetune.weights import read_weights


def make_trainer(order: Order) -> Any:
    """The trainer with model, adapter and rows, ready to train. Raises InvalidInput."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig

    from finetune.train.callbacks import callbacks
    from finetune.train.trainer import Trainer

    config = order.config
    device, precision = choose_device(config, read_weights(order.base).count)

    # tokenizer and rows
    tokenizer, added = load_tokenizer(
        order.base, config.template_path, config.data.special_tokens, config.remote_code
    )
    rows, measured = encode_rows(config, order.taught, order.held_out, tokenizer, order.report)

    # arguments before the model: making them gives each process its own GPU
    arguments = SFTConfig(
        **training_arguments(order.run, config, device, precision, measures=bool(measured)),
        dataset_kwargs={"skip_prepare_dataset": True},
    )

    # base and adapter
    model, adapter = load_tuned(order, tokenizer, added, device, precision)

    trainer = Trainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=Dataset.from_list(_in_batches(config, rows)),
        eval_dataset=Dataset.from_list(as_rows(measured)) if measured else None,
        data_collator=collator(model, tokenizer),
        peft_config=adapter,
        callbacks=callbacks(order, tokenizer),
    )
    trainer.remove_callback(PrinterCallback)  # the Reporter writes the lines
    give_head_a_bias(model)
    return trainer


def _in_batches(config: RunConfig, rows: Sequence[Encoded]) -> list[TokenRow]:
    """The rows as the trainer takes them, packed where the run file says so."""
    if not config.training.packing:
        return as_rows(rows)
    packed = pack(rows, config.data.max_length)
    random.Random(config.seed).shuffle(packed)  # noqa: S311 - an order needs no secret
    return packed


def collator(model: Any, tokenizer: Any) -> Any:
    """What makes batches for the model's attention."""
    return collator_for(model.config._attn_implementation, tokenizer.pad_token_id)


def give_head_a_bias(model: Any) -> None:
    """TRL asks for the head's bias, and PEFT's wrapper around a head with new rows hides it."""
    head = model.get_output_embeddings()
    if not hasattr(head, "bias"):
        head.bias = None
