"""A run file -> every problem in it, its data and its base, warnings, the cost. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.encoding.light_tokenizer import LightTokenizer
from finetune.encoding.masking import EncodedAll
from finetune.encoding.templates import markers_of, read_template
from finetune.run.config import ConfigProblems, RunConfig, load_config
from finetune.run.estimate import estimate
from finetune.run.machine import machine_problems
from finetune.run.method_costs import method_costs
from finetune.run.reach import check_reach
from finetune.run.suitability import (
    code_problems,
    code_remarks,
    method_problems,
    publishing_remarks,
    task_problems,
    token_problems,
    unread_code,
)
from finetune.section import problem
from finetune.tasks import TASKS
from finetune.weights import Weights, read_weights
from workbench.contributions import contributions, load_place
from workbench.errors import Forbidden, InvalidInput, NotFound, WorkbenchError
from workbench.messages import listed, say
from workbench.models.packaged import resolve_base
from workbench.settings import Settings, load_settings


@dataclass
class Report:
    """What the check finds. `tokenizer` and `encoded` serve the preview; a problem leaves None."""

    problems: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    estimate: dict[str, Any] = field(default_factory=dict)
    methods: list[dict[str, Any]] = field(default_factory=list)
    tokenizer: LightTokenizer | None = None
    encoded: EncodedAll | None = None

    def add(self, where: str, what: str, fix: str) -> None:
        self.problems.append(problem(where, what, fix))

    def add_error(self, where: str, error: WorkbenchError) -> None:
        self.add(where, error.problem, error.fix)


def check(path: Path, settings: Settings | None = None) -> Report:
    """Look at everything that can be looked at. Raises only NotFound, without a run file."""
    settings = settings or load_settings()
    report = Report()
    config = _check_file(path, report)
    if config is None:
        return report
    try:
        check_reach(config, settings)
    except Forbidden as error:
        report.add_error("data", error)
        return report
    report.problems += machine_problems(config)
    taught = _check_data(config, report)
    report.problems += task_problems(config, settings)
    try:
        base = Path(resolve_base(config.base_path, settings)).expanduser()
    except WorkbenchError as error:
        report.add_error("base", error)
        return report
    if not base.is_dir():
        _check_name(config, report)
        return report
    weights = _check_base(base, config, report)
    report.tokenizer = _check_tokenizer(base, config, report)
    if not (taught and report.tokenizer) or _lacks_template(config, report.tokenizer):
        return report
    report.encoded = _check_lengths(taught, config, report.tokenizer, report)
    if weights and report.encoded:
        lengths = report.encoded.lengths
        report.estimate = estimate(config, base, weights, lengths) | report.encoded.facts
        report.methods = method_costs(config, base, weights, lengths)
    return report


def _check_file(path: Path, report: Report) -> RunConfig | None:
    """The run's settings; where some are wrong, the rest of them, so that the check can go on."""
    try:
        return load_config(path)
    except ConfigProblems as error:
        report.problems += error.problems
        return error.config


def _check_data(config: RunConfig, report: Report) -> Any:
    """What is learned. A bad row is a problem, one left out a warning."""
    sets = load_place(TASKS[config.task].read)(config)
    # "no rows were found" has no place of its own
    empty = "data.only" if config.data.only else "data"
    for found in sets.problems + sets.test_problems:
        report.add(found.where or empty, found.problem, found.fix)
    report.warnings += sets.remarks + sets.overlaps
    return sets.taught


def _check_name(config: RunConfig, report: Report) -> None:
    """A base that is no folder: a path is wrong, a name will be downloaded."""
    if config.base.startswith((".", "/", "~")):
        fault = say("there is no folder {folder}", folder=config.base)
        report.add("base", fault, say("Correct the path."))
        return
    if config.remote_code:
        report.problems += unread_code(config.base)
        return
    report.warnings.append(
        say(
            "{base} is no folder here: it is downloaded when the training begins, "
            "and its tokens are checked then.",
            base=config.base,
        )
    )


def _check_base(base: Path, config: RunConfig, report: Report) -> Weights | None:
    """The base's tensors, and whether they suit the method."""
    if not (base / "config.json").exists():
        fault = say("{base} has no config.json", base=base)
        report.add("base", fault, say("Name a folder in Hugging Face's layout."))
        return None
    weights = read_weights(base)
    if not weights.shapes:
        fault = say("{base} has no safetensors weights", base=base)
        report.add("base", fault, say("Download the model again, whole."))
        return None
    report.problems += [*method_problems(config, weights), *code_problems(config, base)]
    report.warnings += [*publishing_remarks(config), *code_remarks(config, base)]
    for contribution in contributions():
        for place in contribution.base_checks:
            report.warnings += load_place(place)(base)
    return weights


def _check_tokenizer(base: Path, config: RunConfig, report: Report) -> LightTokenizer | None:
    """The base's tokenizer with the tokens of the template and the run file added."""
    template = ""
    try:
        if config.data.chat_template:
            template = read_template(config.template_path)
    except NotFound as error:
        report.add_error("data.chat_template", error)
        return None
    try:
        tokenizer = LightTokenizer(base, template)
        if not TASKS[config.task].talks:
            return tokenizer
        markers = markers_of(tokenizer.chat_template)
        tokenizer = LightTokenizer(base, template, [*markers, *config.data.special_tokens])
    except NotFound as error:
        report.warnings.append(listed([error.problem, error.fix], " "))
        return None
    except InvalidInput as error:
        report.add_error("base", error)
        return None
    if _lacks_template(config, tokenizer):
        fault = say("the base has no chat template")
        report.add("data.chat_template", fault, say('Set chat_template = "chatml" under [data].'))
    problems = token_problems(config, tokenizer.added)
    report.problems += problems
    if not problems:
        _warn_of_tokens(tokenizer, markers, report)
    return tokenizer


def _lacks_template(config: RunConfig, tokenizer: LightTokenizer) -> bool:
    return TASKS[config.task].talks and not tokenizer.chat_template


def _warn_of_tokens(tokenizer: LightTokenizer, markers: Sequence[str], report: Report) -> None:
    missing = [token for token in tokenizer.added if token in markers]
    if missing:
        report.warnings.append(
            say(
                "These tokens of the template are missing in the base's vocabulary: {tokens}. "
                "They are added, the embeddings are resized, and the new rows are saved with "
                "the adapter.",
                tokens=", ".join(missing),
            )
        )
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        report.warnings.append(
            say(
                "The base pads with its end of text (pad = eos). Here labels are masked by place, "
                "so the end of an answer is still learned; other programs that mask by token "
                "would lose it."
            )
        )


def _check_lengths(
    taught: Any, config: RunConfig, tokenizer: LightTokenizer, report: Report
) -> EncodedAll | None:
    """The encoded rows; a warning for what does not fit."""
    length = config.data.max_length
    try:
        encoded = TASKS[config.task].encode(taught, tokenizer, length)
    except InvalidInput as error:
        report.add_error("data.train", error)
        return None
    if encoded.truncated:
        report.warnings.append(
            say(
                "{count} answers are longer than data.max_length = {length} and lose their end, "
                "the first {first}.",
                count=len(encoded.truncated),
                length=length,
                first=encoded.truncated[0],
            )
        )
    if encoded.nothing_left:
        report.warnings.append(
            say(
                "{count} rows are left out: their question alone fills data.max_length.",
                count=len(encoded.nothing_left),
            )
        )
    if not encoded.rows:
        fault = say("no answer fits into it")
        report.add("data.max_length", fault, say("Raise data.max_length."))
        return None
    return encoded
