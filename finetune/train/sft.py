"""A run file -> an adapter: TRL's SFTTrainer on rows tokenized and masked here, in a run folder that can be taken up again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.examples import Example
from finetune.encoding.batches import Collator
from finetune.run.config import RunConfig
from finetune.run.metrics import draw_loss, forget_after, read_metrics
from finetune.run.preparation import Report, describe, encode_rows, prepare_data
from finetune.run.runs import Run
from finetune.train.base_model import find_base, load_model, load_tokenizer
from finetune.train.launch import any_of, check_rendezvous, is_first, is_worker, launch
from workbench.errors import InvalidInput, Stopped, Unavailable
from workbench.extras import quiet_transformers
from workbench.messages import say

if TYPE_CHECKING:
    from workbench.settings import Settings


def train(
    run: Run, config: RunConfig, settings: Settings, report: Report, stopped: Callable[[], bool]
) -> None:
    """Train to the end, from the last checkpoint where there is one.

    Raises Stopped where it was cancelled; the checkpoint and the adapter so far are kept.
    """
    began = time.monotonic()
    report({"event": "preparing", "stage": "Preparing the training", "run": str(run.folder)})
    taught, held_out = prepare_data(run, config, report)
    base = find_base(config.base_path, settings.folder("models"))
    if is_first():
        run.update_card(**describe(config, base, taught, held_out))
    if config.training.processes > 1 and not is_worker():
        launch(run, config.training.processes, report, stopped)
        return
    check_rendezvous()
    with maps_training_errors(config):
        trainer = make_trainer(run, config, base, taught, held_out, report, stopped)
        checkpoint = run.last_checkpoint
        if is_first():
            forget_after(run.metrics, int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0)
        if any_of(stopped()):
            raise Stopped("Cancelled before the first step.", _resume(run))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if is_first():
            _save_adapter(run, trainer)
            _finish(run, trainer.state, time.monotonic() - began)
    if trainer.state.global_step < trainer.state.max_steps:
        raise Stopped(
            say(
                "Cancelled at step {global_step} of {max_steps}.",
                global_step=trainer.state.global_step,
                max_steps=trainer.state.max_steps,
            ),
            _resume(run),
        )


def make_trainer(
    run: Run,
    config: RunConfig,
    base: Path,
    taught: Sequence[Example],
    held_out: Sequence[Example],
    report: Report,
    stopped: Callable[[], bool],
) -> Any:
    """The trainer with model, adapter and rows, ready to train."""
    if not is_worker():  # one process trains on one GPU
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    from datasets import Dataset
    from transformers import PrinterCallback

    from finetune.train.callbacks import Reporter
    from finetune.train.trainer import Trainer

    quiet_transformers()
    device, precision = choose_device(config)
    tokenizer, added = load_tokenizer(base, config.template_path, config.data.special_tokens)
    rows, measured = encode_rows(config, taught, held_out, tokenizer, report)
    arguments = _arguments(
        run, config, device, precision, bool(measured)
    )  # gives each process its own GPU
    model = load_model(base, len(tokenizer), _dtype(precision), device)
    shown = (held_out or taught)[: config.saving.samples]
    trainer = Trainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(measured) if measured else None,
        data_collator=_collator(model, tokenizer),
        peft_config=_adapter_config(config, model, tokenizer, added),
        callbacks=[
            Reporter(run, report, stopped),
            *_on_the_first(run, config, shown, tokenizer, report),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    head = model.get_output_embeddings()
    if not hasattr(
        head, "bias"
    ):  # PEFT's wrapper around a head with new rows hides it, and TRL asks for it
        head.bias = None
    return trainer


def choose_device(config: RunConfig) -> tuple[str, str]:
    """(cuda | mps | cpu, fp32 | bf16 | fp16): bf16 where the hardware has it, if nothing else is asked for."""
    import torch
    from transformers.utils import is_torch_bf16_gpu_available

    device = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    if device == "cuda" and (own := int(os.environ.get("LOCAL_RANK", 0))) >= (
        found := torch.cuda.device_count()
    ):
        raise InvalidInput(
            say(
                "There is no GPU for process {own}: this machine has {found}.",
                own=own + 1,
                found=found,
            ),
            say("Set processes = {found} under [training].", found=found),
        )
    if config.training.precision != "auto":
        if config.training.precision == "fp16" and device != "cuda":
            raise InvalidInput(
                say("fp16 does not train on {device}.", device=device),
                'Set precision = "auto" under [training].',
            )
        return device, config.training.precision
    if device == "cpu":
        return device, "fp32"
    return (
        device,
        "bf16" if is_torch_bf16_gpu_available() else "fp16" if device == "cuda" else "fp32",
    )


def _dtype(precision: str) -> Any:
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def _arguments(run: Run, config: RunConfig, device: str, precision: str, measures: bool) -> Any:
    from trl import SFTConfig

    training, saving = config.training, config.saving
    return SFTConfig(
        output_dir=str(run.checkpoints),
        seed=config.seed,
        data_seed=config.seed,
        num_train_epochs=training.epochs,
        max_steps=training.steps or -1,
        per_device_train_batch_size=training.batch,
        per_device_eval_batch_size=training.batch,
        gradient_accumulation_steps=training.accumulation,
        learning_rate=training.learning_rate,
        lr_scheduler_type=training.schedule,
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        adam_beta2=training.beta2,
        max_grad_norm=training.clip,
        activation_checkpointing=training.gradient_checkpointing,
        ddp_find_unused_parameters=False,
        use_cpu=device == "cpu",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        remove_unused_columns=False,
        dataloader_pin_memory=device == "cuda",
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        save_strategy=_strategy(saving.cadence),
        save_steps=_steps(saving.cadence),
        save_total_limit=saving.keep,
        eval_strategy=_strategy(saving.eval_every) if measures else "no",
        eval_steps=_steps(saving.eval_every),
        load_best_model_at_end=measures and saving.final == "best",
        metric_for_best_model="eval_loss",
        report_to=[name for name in saving.report_to if name != "tensorboard"] or "none",
    )


def _strategy(cadence: int | str) -> str:
    return "epoch" if cadence == "epoch" else "steps"


def _steps(cadence: int | str) -> int:
    return 1 if cadence == "epoch" else int(cadence)


def _collator(model: Any, tokenizer: Any) -> Any:
    """FlashAttention wants one long row; every other attention wants rows apart, which cost less."""
    if not model.config._attn_implementation.startswith("flash"):
        return Collator(tokenizer.pad_token_id)
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    return DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id, padding_free=True)


def _adapter_config(config: RunConfig, model: Any, tokenizer: Any, added: Sequence[str]) -> Any:
    """LoRA as the run file says; of the embeddings only the rows of new tokens are learned, in and out."""
    from peft import LoraConfig

    lora, new = config.lora, tokenizer.convert_tokens_to_ids(list(added))
    tied = model.config.get_text_config().tie_word_embeddings
    grown = [_name_of(model, model.get_input_embeddings())]
    grown += [] if tied else [_name_of(model, model.get_output_embeddings())]
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        modules_to_save=lora.modules_to_save or None,
        use_rslora=lora.method == "rslora",
        use_dora=lora.method == "dora",
        trainable_token_indices={name: new for name in grown if name not in lora.modules_to_save}
        if new
        else None,
        ensure_weight_tying=tied and bool(lora.modules_to_save),
    )


def _name_of(model: Any, wanted: Any) -> str:
    return next(
        name.rpartition(".")[2] for name, module in model.named_modules() if module is wanted
    )


def _on_the_first(
    run: Run, config: RunConfig, shown: Sequence[Example], tokenizer: Any, report: Report
) -> list[Any]:
    """What only one of several processes does: samples, TensorBoard."""
    from finetune.train.callbacks import Sampler

    if not is_first():
        return []
    sampler = Sampler(run, shown, tokenizer, report)
    if "tensorboard" not in config.saving.report_to:
        return [sampler]
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return [sampler, TensorBoardCallback(SummaryWriter(str(run.folder / "tensorboard")))]


def _save_adapter(run: Run, trainer: Any) -> None:
    """The adapter with its tokenizer, whole: the old one stays until the new one is written."""
    part = run.folder / "adapter.part"
    shutil.rmtree(part, ignore_errors=True)
    trainer.model.save_pretrained(str(part), save_embedding_layers=False)
    trainer.processing_class.save_pretrained(str(part))
    shutil.rmtree(run.adapter, ignore_errors=True)
    part.rename(run.adapter)


def _finish(run: Run, state: Any, seconds: float) -> None:
    """The curve as a picture, and what the card tells of a training that has ended or was stopped."""
    draw_loss(run.metrics, run.folder / "loss.png")
    losses = [row["loss"] for row in read_metrics(run.metrics) if "loss" in row]
    run.update_card(
        step=state.global_step,
        steps=state.max_steps,
        loss=losses[-1] if losses else None,
        eval_loss=state.best_metric,
        seconds=round(run.card.get("seconds", 0) + seconds, 1),
        finished=datetime.now(UTC).isoformat(timespec="seconds")
        if state.global_step >= state.max_steps
        else "",
    )


def _resume(run: Run) -> str:
    return f"Go on with: workbench finetune train {run.name} --resume"


@contextmanager
def maps_training_errors(config: RunConfig) -> Iterator[None]:
    """What torch and PEFT raise, in words that name the setting."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error).lower()
        if (
            not isinstance(error, MemoryError)
            and "out of memory" not in text
            and "can't allocate memory" not in text
        ):
            raise
        batch, length = config.training.batch, config.data.max_length
        smaller = (
            f"training.batch from {batch} to {batch // 2} (and double training.accumulation)"
            if batch > 1
            else (f"data.max_length from {length}")
        )
        more = (
            ""
            if config.training.gradient_checkpointing
            else "; or set training.gradient_checkpointing = true"
        )
        raise Unavailable(
            say(
                "The training ran out of memory with batch {batch} and up to {length} tokens.",
                batch=batch,
                length=length,
            ),
            say("Lower {smaller}{more}.", smaller=smaller, more=more),
        ) from error
    except ValueError as error:
        if "target modules" not in str(error).lower() and "lm_head" not in str(error):
            raise
        raise InvalidInput(
            say("The adapter does not fit the base: {error}", error=str(error).splitlines()[0]),
            'Set lora.targets = "all-linear", or names of layers that the base has; lm_head goes into modules_to_save.',
        ) from error
