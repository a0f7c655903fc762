"""Supervised fine-tuning: a prepared run -> TRL's SFTTrainer on rows tokenized and masked here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.data.examples import Example
from finetune.run.config import RunConfig
from finetune.run.preparation import encode_rows
from finetune.run.runs import Run
from finetune.train.attention import collator_for
from finetune.train.base_model import load_tokenizer
from finetune.train.device import choose_device
from finetune.train.hardware import hardware_arguments
from finetune.train.order import Order
from finetune.train.processes import is_first
from finetune.train.tuned_model import load_tuned
from finetune.weights import read_weights


def make_trainer(order: Order) -> Any:
    """The trainer with model, adapter and rows, ready to train. Raises InvalidInput."""
    from datasets import Dataset
    from transformers import PrinterCallback

    from finetune.train.trainer import Trainer

    config = order.config
    device, precision = choose_device(config, read_weights(order.base).count)

    # tokenizer and rows
    tokenizer, added = load_tokenizer(order.base, config.template_path, config.data.special_tokens)
    rows, measured = encode_rows(config, order.taught, order.held_out, tokenizer, order.report)

    # arguments before the model: making them gives each process its own GPU
    arguments = sft_config(order.run, config, device, precision, measures=bool(measured))

    # base and adapter
    model, adapter = load_tuned(order, tokenizer, added, device, precision)

    trainer = Trainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(measured) if measured else None,
        data_collator=collator_for(model.config._attn_implementation, tokenizer.pad_token_id),
        peft_config=adapter,
        callbacks=_callbacks(order, tokenizer),
    )
    trainer.remove_callback(PrinterCallback)  # the Reporter writes the lines
    _give_head_a_bias(model)
    return trainer


def sft_config(run: Run, config: RunConfig, device: str, precision: str, *, measures: bool) -> Any:
    """Every argument of the training in one place. `measures`: whether there are held-out rows."""
    from trl import SFTConfig

    training = config.training
    saving = config.saving
    return SFTConfig(
        output_dir=str(run.checkpoints),
        seed=config.seed,
        data_seed=config.seed,
        # how long
        num_train_epochs=training.epochs,
        max_steps=training.steps or -1,
        # the rows of a step; they are tokenized, masked and packed already
        per_device_train_batch_size=training.batch,
        per_device_eval_batch_size=training.batch,
        gradient_accumulation_steps=training.accumulation,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        remove_unused_columns=False,
        # the optimizer
        learning_rate=training.learning_rate,
        lr_scheduler_type=training.schedule,
        warmup_steps=training.warmup,  # below 1: a share of the steps
        weight_decay=training.weight_decay,
        adam_beta2=training.beta2,
        max_grad_norm=training.clip,
        **hardware_arguments(config, device, precision),
        # what is written
        logging_steps=1,
        logging_nan_inf_filter=False,  # the Reporter refuses a loss that is not a number
        disable_tqdm=True,
        report_to=[name for name in saving.report_to if name != "tensorboard"] or "none",
        # when it is measured and saved
        save_strategy=_strategy(saving.cadence),
        save_steps=_steps(saving.cadence),
        save_total_limit=saving.keep,
        eval_strategy=_strategy(saving.eval_every) if measures else "no",
        eval_steps=_steps(saving.eval_every),
        load_best_model_at_end=measures and saving.final == "best",
        metric_for_best_model="eval_loss",
    )


def _strategy(cadence: int | str) -> str:
    return "epoch" if cadence == "epoch" else "steps"


def _steps(cadence: int | str) -> int:
    return 1 if cadence == "epoch" else int(cadence)


def _callbacks(order: Order, tokenizer: Any) -> list[Any]:
    """Progress and Stop in each process; samples and TensorBoard in the first alone."""
    from finetune.train.callbacks import Reporter, Sampler

    found: list[Any] = [Reporter(order)]
    if not is_first():
        return found
    found.append(Sampler(order.run, _shown(order), tokenizer, order.report))
    if "tensorboard" in order.config.saving.report_to:
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations import TensorBoardCallback

        writer = SummaryWriter(str(order.run.folder / "tensorboard"))
        found.append(TensorBoardCallback(writer))
    return found


def _shown(order: Order) -> Sequence[Example]:
    """The questions that are asked at each checkpoint."""
    examples = order.held_out or order.taught
    return examples[: order.config.saving.samples]


def _give_head_a_bias(model: Any) -> None:
    """TRL asks for the head's bias, and PEFT's wrapper around a head with new rows hides it."""
    head = model.get_output_embeddings()
    if not hasattr(head, "bias"):
        head.bias = None
