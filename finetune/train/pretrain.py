"""Continued pre-training: corpora -> blocks of tokens, each of which is learned whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.encoding import chat_template
from finetune.methods import METHODS
from finetune.train.arguments import training_arguments
from finetune.train.base_model import load_model
from finetune.train.corpus_rows import CorpusRows
from finetune.train.device import choose_device, dtype_of
from finetune.train.order import Order
from finetune.train.sft import collator, give_head_a_bias
from finetune.weights import read_weights
from workbench.files import read_json

if TYPE_CHECKING:
    from finetune.train.callbacks import Prompt

PERPLEXITIES = {
    "eval_perplexity": "perplexity",
    "eval_perplexity_per_character": "perplexity_per_character",
}
OPENING = 16  # tokens that are gone on from at a checkpoint
FOLLOWING = 64  # tokens of the text itself, shown beside that


def make_trainer(order: Order) -> Any:
    """The trainer with model, adapter and blocks, ready to train. Raises InvalidInput, Stopped."""
    from transformers import PrinterCallback
    from trl import SFTConfig

    from finetune.train.callbacks import callbacks
    from finetune.train.pretrainer import Pretrainer

    config = order.config
    device, precision = choose_device(config, read_weights(order.base).count)

    # tokenizer and blocks
    tokenizer = chat_template.load_tokenizer(str(order.base))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = CorpusRows(order, tokenizer)

    # arguments before the model: making them gives each process its own GPU
    arguments = SFTConfig(
        **training_arguments(order.run, config, device, precision, measures=bool(rows.held_out)),
        dataset_kwargs={"skip_prepare_dataset": True},
    )

    # base and adapter
    method = METHODS[config.method]
    kept_in = "fp32" if method.trains_base else precision
    model = load_model(order.base, len(tokenizer), dtype_of(kept_in), device)
    adapter = method.peft_config(config.tuning, model, new_tokens(order.base))

    trainer = Pretrainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=rows.to_learn(),
        eval_dataset=rows.to_measure(),
        data_collator=collator(model, tokenizer),
        peft_config=adapter,
        callbacks=callbacks(order, tokenizer, PERPLEXITIES, _openings(order, rows)),
    )
    trainer.tokens_per_character = rows.tokens_per_character
    trainer.remove_callback(PrinterCallback)  # the Reporter writes the lines
    give_head_a_bias(model)
    return trainer


def new_tokens(base: Path) -> list[int]:
    """The ids that an extended vocabulary has added to the base: their rows are to be learned."""
    added = read_json(base / "vocabulary.json", {})
    first = added.get("first_id", 0)
    return list(range(first, first + added.get("added", 0)))


def _openings(order: Order, rows: CorpusRows) -> list[Prompt]:
    """Beginnings of blocks, evenly apart, of what is held out, or of what is learned."""
    from finetune.train.callbacks import Prompt

    [blocks, *_] = rows.held_out or rows.taught
    count = min(order.config.saving.samples, len(blocks))
    found = []
    for number in range(count):
        ids = blocks.row(number * len(blocks) // count)["input_ids"]
        following = rows.decode(ids[OPENING : OPENING + FOLLOWING])
        found.append(Prompt(rows.decode(ids[:OPENING]), ids[:OPENING], following))
    return found
