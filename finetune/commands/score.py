"""`workbench finetune score`: how many questions of a data file a model answers, and how well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.files import write_text, writing

if TYPE_CHECKING:
    from finetune.evaluate.result import Score
    from finetune.evaluate.targets import Target
    from finetune.evaluate.wanted import Wanted

ASKING = (
    click.option(
        "--data",
        "files",
        multiple=True,
        required=True,
        type=click.Path(path_type=Path),
        help="Questions.",
    ),
    click.option(
        "--only", multiple=True, metavar="COLUMN=VALUE", help="Take only rows with this value."
    ),
    click.option("--base", is_flag=True, help="Ask the base without the adapter."),
    click.option(
        "--limit", default=0, type=click.IntRange(0), help="Ask only the first rows; 0 asks all."
    ),
    click.option(
        "--batch", default=32, show_default=True, type=click.IntRange(1), help="Questions at once."
    ),
    click.option("--again", is_flag=True, help="Ask again what was answered before."),
)
COUNTING = (
    click.option(
        "--metrics",
        default="exact,words",
        show_default=True,
        help="Any of: exact, contains, numbers, words, rouge, bertscore, perplexity.",
    ),
    click.option(
        "--encoder",
        default="",
        help="Of bertscore: packaged:NAME, a folder, a hub name, modelscope:NAME; `usual` takes "
        "bert-base-chinese or roberta-large from the hub.  [default: the packaged one]",
    ),
    click.option("--layer", default=0, type=click.IntRange(0), help="Of the encoder; 0 chooses."),
    click.option("--rescale", is_flag=True, help="Set bertscore's mean of unrelated texts to 0."),
    click.option(
        "--threshold", default=0.6, show_default=True, help="Count the answers of this F1 or more."
    ),
    click.option(
        "--pattern",
        default="",
        metavar="REGEX",
        help="Count the answers of this form, and those whose groups equal the right answer's.",
    ),
)
WRITING = (
    click.option(
        "--csv",
        "table",
        type=click.Path(path_type=Path),
        help="Write each question, reference, prediction and figure for a spreadsheet.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="Write each question, reference and answer as JSON lines.",
    ),
)


def _with_options(command: Any) -> Any:
    for option in reversed([*ASKING, *COUNTING, *WRITING]):
        command = option(command)
    return command


@click.command()
@click.argument("model", metavar="RUN|MODEL")
@_with_options
@json_option
@reports_errors
def score(
    model: str,
    only: tuple[str, ...],
    base: bool,
    again: bool,
    metrics: str,
    encoder: str,
    layer: int,
    rescale: bool,
    table: Path | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Ask a run or a model every question of a data file and score its answers.

    A model is a folder, packaged:NAME, ollama:NAME or openai:NAME. Answers are kept: what was
    broken off goes on where it stopped. Of multiple choice, the likeliest letters are counted too;
    with a pattern, the answers of that form: a house style, or a label whose group must be right.

    \b
    Example:
      workbench finetune score roles --data parts/eval.jsonl --metrics exact,bertscore --csv out.csv
    """
    from finetune.commands.data import parse_only
    from finetune.evaluate.kept import kept_for
    from finetune.evaluate.score import score as measure
    from finetune.evaluate.targets import find_target
    from finetune.evaluate.wanted import Wanted
    from workbench.scoring.measures import DEFAULT, Means
    from workbench.settings import load_settings
    from workbench.terminal import reporting, warning_note

    settings = load_settings()
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    wanted = Wanted(only=parse_only(only), metrics=names, **asked)
    target = find_target(model, settings, base)
    with reporting(as_json, warning_note) as report:
        measured = measure(
            target,
            wanted,
            Means(settings, encoder or DEFAULT, layer, rescale, report),
            lambda data: kept_for(target.digest, data, settings, again),
        )
        result = measured.result
    _remember(target, wanted, result)
    _write(measured, table, out)
    if as_json:
        print_json({"event": "done", "model": target.name, **result})
    else:
        click.echo(_words(result))


def _remember(target: Target, wanted: Wanted, result: dict[str, Any]) -> None:
    """The run's card has its scores, by what was asked."""
    if target.run is None:
        return
    asked = [path.name for path in wanted.files]
    asked += [f"{column}={value}" for column, value in wanted.only.items()]
    if target.is_base:
        asked.append("base")
    target.run.add_score(" ".join(asked), result)


def _write(measured: Score, table: Path | None, out: Path | None) -> None:
    if out:
        write_text(out, "".join(row.to_line() for row in measured.predictions))
    if table:
        with writing(table) as part:
            part.write_bytes(measured.as_csv())


def _words(result: dict[str, Any]) -> str:
    text = f"{result['rows']} questions, {result['exact']:.4f} answered exactly"
    text += f", {result['words']:.4f} of the words shared"
    if "form" in result:
        text += f", {result['form']:.4f} in the form of the pattern"
    if "groups" in result:
        text += f", {result['groups']:.4f} with the right groups"
    if "accuracy" in result:
        text += f", {result['accuracy']:.4f} of the options right"
    lines = [text, *_lines_of_measures(result)]
    return "\n".join(lines)


def _lines_of_measures(result: dict[str, Any]) -> list[str]:
    from finetune.evaluate.wanted import ALWAYS
    from workbench.scoring.measures import MEASURES

    lines = []
    for name, measure in MEASURES.items():
        if name not in ALWAYS and measure.main in result:
            figures = "  ".join(f"{column} {result[column]:.4f}" for column in measure.columns)
            lines.append(f"{measure.english}: {figures}")
    meaning = result.get("bertscore")
    if meaning:
        lines.append(_meaning_words(meaning))
    return lines


def _meaning_words(meaning: dict[str, Any]) -> str:
    kind = "rescaled" if meaning["rescaled"] else "raw"
    text = (
        f"{meaning['above']:.4f} of the answers have an F1 of {meaning['threshold']} or more, "
        f"{meaning['below']} have less ({kind}, {meaning['encoder']}, layer {meaning['layer']})."
    )
    if "shuffled_F1" in meaning:
        text += (
            f"\nAgainst the references of other questions: F1 {meaning['shuffled_F1']:.4f}, "
            f"{meaning['shuffled_above']:.4f} of the answers at that mark."
        )
    return text
