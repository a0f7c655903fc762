"""`workbench finetune make-base`: a small base model of one's own texts."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Conflict, InvalidInput
from workbench.messages import say


@click.command("make-base")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--layers", default=4, show_default=True, type=click.IntRange(1, 48))
@click.option(
    "--width", default=256, show_default=True, type=click.IntRange(16, 4096), help="Divisible by 4."
)
@click.option(
    "--words",
    default=2000,
    show_default=True,
    type=click.IntRange(300),
    help="Size of the vocabulary.",
)
@click.option("--seed", default=0, show_default=True)
@json_option
@reports_errors
def make_base(
    folder: Path,
    files: tuple[Path, ...],
    layers: int,
    width: int,
    words: int,
    seed: int,
    as_json: bool,
) -> None:
    """Make a small Qwen2 with a tokenizer trained on data files or texts. It knows nothing yet.

    \b
    Example:
      workbench finetune make-base ./base train.jsonl
    """
    from finetune.data.dataset import load_rows
    from finetune.data.plain_text import PlainText
    from finetune.train.small_model import make_small_model

    if (folder / "config.json").exists():
        raise Conflict(say("{folder} has a model already.", folder=folder), "Name another folder.")
    loaded = load_rows(files)
    texts = [row.text for row in loaded.rows if isinstance(row, PlainText)]
    texts += [message.content for example in loaded.examples for message in example.messages]
    if not texts:
        raise InvalidInput(
            "The files hold neither examples nor texts.", "See: workbench finetune data check FILE"
        )
    if width % 4:  # the model has four attention heads
        raise InvalidInput("The width is not divisible by 4.", "Choose another width.")
    make_small_model(folder, texts, layers=layers, width=width, words=words, seed=seed)
    if as_json:
        print_json({"event": "done", "folder": str(folder), "texts": len(texts)})
    else:
        click.echo(f"A base of {layers} layers, {width} wide, is in {folder}.")
