"""Continued pre-training: corpora -> blocks of tokens, each of which is learned whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.encoding import chat_template
from finetune.train.arguments import training_arguments
from finetune.train.corpus_rows import CorpusRows
from finetune.train.device import choose_device
from finetune.train.order import Order
from finetune.train.sft import collator, give_head_a_bias
from finetune.train.tuned_model import load_tuned
from finetune.weights import read_weights
from workbench.files import read_json

if TYPE_CHECKING:
    from finetune.train.callbacks import Prompt

PERPLEXITIES = {
    "eval_perplexity": "perplexity",
    "eval_perplexity_per_character": "perplexity_per_character",
}
# of a base that has none: asked in the chat or by Ollama, the model goes on with the words alone
PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
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
    tokenizer = chat_template.load_tokenizer(str(order.base), trusted=config.remote_code)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN
    rows = CorpusRows(order, tokenizer)

    # arguments before the model: making them gives each process its own GPU
    arguments = SFTConfig(
        **training_arguments(order.run, config, device, precision, measures=bool(rows.held_out)),
        dataset_kwargs={"skip_prepare_dataset": True},
    )

    # base and adapter
    added = new_tokens(order.base, tokenizer)
    model, adapter = load_tuned(order, tokenizer, added, device, precision)

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


def new_tokens(base: Path, tokenizer: Any) -> list[str]:
    """The tokens that an extended vocabulary has added: their rows of the base are learned."""
    added = read_json(base / "vocabulary.json", {})
    first = added.get("first_id", 0)
    ids = range(first, first + added.get("added", 0))
    return list(tokenizer.convert_ids_to_tokens(list(ids)))


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
