"""Preference training: a prepared run -> TRL's trainer for pairs of answers or for rated ones.

The reference is the base, or the adapter that the training begins with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.encoding.preferred_batches import (
    PairCollator,
    RatedCollator,
    as_answers,
    as_pairs,
)
from finetune.run.preference import FOLDER
from finetune.run.preparation import encode_rows
from finetune.train.arguments import training_arguments
from finetune.train.base_model import load_tokenizer
from finetune.train.device import choose_device
from finetune.train.order import Order
from finetune.train.sft import give_head_a_bias
from finetune.train.tuned_model import load_tuned
from finetune.weights import read_weights

# what TRL logs -> its name in metrics.jsonl
KEPT = {
    "rewards/margins": "margin",
    "eval_rewards/margins": "eval_margin",
    "eval_rewards/accuracies": "eval_accuracy",
}


def make_pair_trainer(order: Order) -> Any:
    """The trainer of DPO, ready to train. Raises InvalidInput."""
    from trl import DPOConfig

    from finetune.train.preference_trainers import PairTrainer

    settings = order.config.task_settings
    options = {
        "loss_type": settings.loss_type,
        "loss_weights": settings.loss_weights or None,
        "label_smoothing": settings.label_smoothing,
    }
    return _make(order, PairTrainer, DPOConfig, options, as_pairs, PairCollator)


def make_rated_trainer(order: Order) -> Any:
    """The trainer of KTO, ready to train. Raises InvalidInput."""
    from trl import KTOConfig

    from finetune.train.preference_trainers import RatedTrainer

    settings = order.config.task_settings
    options = {
        "loss_type": settings.loss_type,
        "desirable_weight": settings.desirable_weight,
        "undesirable_weight": settings.undesirable_weight,
    }

    def collator(pad: int) -> RatedCollator:
        return RatedCollator(pad, order.config.data.max_length, moved=settings.loss_type == "kto")

    trainer = _make(order, RatedTrainer, KTOConfig, options, as_answers, collator)
    # TRL wants rows in order because it exchanges answers beforehand; our batches do it themselves
    trainer.args.train_sampling_strategy = "random"
    return trainer


def _make(
    order: Order, kind: Any, arguments: Any, options: dict[str, Any], as_rows: Any, collator: Any
) -> Any:
    """A trainer of that kind on the order's rows."""
    from datasets import Dataset
    from transformers import PrinterCallback

    from finetune.train.callbacks import callbacks

    config = order.config
    device, precision = choose_device(config, read_weights(order.base).count)

    # tokenizer and rows
    tokenizer, added = load_tokenizer(
        order.base, config.template_path, config.data.special_tokens, config.remote_code
    )
    rows, measured = encode_rows(config, order.taught, order.held_out, tokenizer, order.report)

    # arguments before the model: making them gives each process its own GPU
    shared = training_arguments(order.run, config, device, precision, measures=bool(measured))
    made = arguments(**shared, beta=config.task_settings.beta, **options)

    # base, reference and adapter
    model, adapter = load_tuned(order, tokenizer, added, device, precision)
    reference = None
    if config.task_settings.start:
        model = _with_adapter(model, order.run.folder / FOLDER)
        adapter = None
    elif adapter is None:  # the model itself is trained, so the reference is another one
        reference, _ = load_tuned(order, tokenizer, added, device, precision)

    give_head_a_bias(model)
    trainer = kind(
        model=model,
        ref_model=reference,
        processing_class=tokenizer,
        args=made,
        train_dataset=Dataset.from_list(as_rows(rows)),
        eval_dataset=Dataset.from_list(as_rows(measured)) if measured else None,
        data_collator=collator(tokenizer.pad_token_id),
        peft_config=adapter,
        callbacks=callbacks(order, tokenizer, KEPT),
    )
    trainer.remove_callback(PrinterCallback)  # the Reporter writes the lines
    return trainer


def _with_adapter(model: Any, folder: Path) -> Any:
    """The base with the adapter to go on from; TRL freezes a copy of it as the reference."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(folder), is_trainable=True)
