"""A run file -> every problem in it, its data and its base at once, what to be warned of, and what it will cost. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.data.dataset import load_examples, split
from finetune.data.examples import Example
from finetune.encoding.light_tokenizer import LightTokenizer
from finetune.encoding.masking import EncodedAll, encode_all
from finetune.encoding.templates import markers_of, read_template
from finetune.run.config import ConfigProblems, RunConfig, load_config, problem
from finetune.run.estimate import Weights, estimate, read_weights
from finetune.run.preparation import find_overlaps, with_system
from workbench.errors import InvalidInput, NotFound, WorkbenchError


@dataclass
class Report:
    """What the check has found. `tokenizer` and `encoded` are there for the preview, where it could come so far."""

    problems: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    estimate: dict[str, Any] = field(default_factory=dict)
    tokenizer: LightTokenizer | None = None
    encoded: EncodedAll | None = None

    def add(self, where: str, error: WorkbenchError) -> None:
        self.problems.append(problem(where, error.problem, error.fix))


def check(path: Path) -> Report:
    """Look at everything that can be looked at; only a file that is not there is raised."""
    report = Report()
    try:
        config: RunConfig | None = load_config(path)
    except ConfigProblems as error:
        report.problems += error.problems
        config = error.config  # without what is wrong in it
    if config is None:
        return report
    taught = _check_data(config, report)
    base = Path(config.base_path).expanduser()
    if not base.is_dir():
        _check_name(config, report)
        return report
    weights = _check_base(base, config, report)
    report.tokenizer = _check_tokenizer(base, config, report)
    if taught and report.tokenizer and report.tokenizer.chat_template:
        report.encoded = _check_lengths(taught, config, report.tokenizer, report)
        if weights and report.encoded:
            lengths = [len(row.input_ids) for row in report.encoded.rows]
            report.estimate = estimate(config, base, weights, lengths)
    return report


def _check_data(config: RunConfig, report: Report) -> list[Example]:
    """The examples that will be taught; every row that cannot be used is a problem, every one left out a warning."""
    loaded = load_examples(config.paths("train"), config.data.only)
    held_out = load_examples(config.paths("eval"), config.data.only) if config.data.eval else None
    tests = load_examples(config.paths("test"), config.data.only) if config.data.test else None
    for found in (loaded, held_out, tests):
        if found:
            empty = (
                "data.only" if config.data.only else "data"
            )  # what has no place is that there are no rows
            report.problems += [
                problem(one.where or empty, one.problem, one.fix) for one in found.problems
            ]
            report.warnings += found.notes
    if loaded.dropped:
        first = loaded.dropped[0]
        report.warnings.append(
            f"{len(loaded.dropped)} rows are left out, the first {first.file}:{first.line}: {first.reason}"
        )
    taught, measured = loaded.examples, held_out.examples if held_out else []
    if config.data.eval_share:
        taught, share = split(taught, config.data.eval_share, config.seed, config.data.hold_out)
        measured = measured + share
    report.warnings += find_overlaps(config, taught, measured)
    return with_system(taught, config.data.system)


def _check_name(config: RunConfig, report: Report) -> None:
    """A base that is no folder: a path is wrong, a name will be downloaded."""
    if config.base.startswith((".", "/", "~")):
        report.problems.append(
            problem("base", f"there is no folder {config.base}", "Correct the path.")
        )
    else:
        report.warnings.append(
            f"{config.base} is no folder here: it is downloaded when the training begins, and its tokens are checked then."
        )


def _check_base(base: Path, config: RunConfig, report: Report) -> Weights | None:
    if not (base / "config.json").exists():
        report.problems.append(
            problem("base", f"{base} has no config.json", "Name a folder in Hugging Face's layout.")
        )
        return None
    weights = read_weights(base)
    if not weights.shapes:
        report.problems.append(
            problem(
                "base", f"{base} has no safetensors weights", "Download the model again, whole."
            )
        )
        return None
    layers = weights.matrices()
    for key in ("targets", "modules_to_save"):
        wanted = getattr(config.lora, key)
        unknown = (
            [name for name in wanted if name not in layers] if isinstance(wanted, list) else []
        )
        tied = (
            unknown == ["lm_head"] and key == "modules_to_save"
        )  # shares its weights with the embedding
        if unknown and not tied:
            report.problems.append(
                problem(
                    f"lora.{key}",
                    f"the base has no layer {', '.join(unknown)}",
                    f"It has: {', '.join(sorted(layers))}.",
                )
            )
    if "lm_head" in config.lora.targets:
        report.problems.append(
            problem(
                "lora.targets",
                "lm_head cannot carry an adapter here",
                "Put it into lora.modules_to_save instead.",
            )
        )
    return weights


def _check_tokenizer(base: Path, config: RunConfig, report: Report) -> LightTokenizer | None:
    try:
        told = read_template(config.template_path) if config.data.chat_template else ""
    except NotFound as error:
        report.add("data.chat_template", error)
        return None
    try:
        tokenizer = LightTokenizer(base, told)
        markers = markers_of(tokenizer.chat_template)
        tokenizer = LightTokenizer(base, told, [*markers, *config.data.special_tokens])
    except NotFound as error:
        report.warnings.append(f"{error.problem} {error.fix}")
        return None
    except InvalidInput as error:
        report.add("base", error)
        return None
    if not tokenizer.chat_template:
        report.problems.append(
            problem(
                "data.chat_template",
                "the base has no chat template",
                'Set chat_template = "chatml" under [data].',
            )
        )
    missing = [token for token in tokenizer.added if token in markers]
    if missing:
        report.warnings.append(
            f"The template's {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing in the base's vocabulary: "
            "they are added, the embeddings are resized, and the new rows are learned and saved with the adapter."
        )
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        report.warnings.append(
            "The base pads with its end of text (pad = eos). Here labels are masked by place, so the end of an answer "
            "is still learned; other programs that mask by token would lose it."
        )
    return tokenizer


def _check_lengths(
    taught: Sequence[Example], config: RunConfig, tokenizer: LightTokenizer, report: Report
) -> EncodedAll | None:
    try:
        encoded = encode_all(taught, tokenizer, config.data.max_length)
    except InvalidInput as error:
        report.add("data.train", error)
        return None
    if encoded.truncated:
        report.warnings.append(
            f"{len(encoded.truncated)} answers are longer than data.max_length = {config.data.max_length} and lose their "
            f"end, the first {encoded.truncated[0]}."
        )
    if encoded.nothing_left:
        report.warnings.append(
            f"{len(encoded.nothing_left)} rows are left out: their question alone fills data.max_length."
        )
    if not encoded.rows:
        report.problems.append(
            problem("data.max_length", "no answer fits into it", "Raise data.max_length.")
        )
        return None
    return encoded
