"""A run file of preference training -> its rows, the adapter it begins with, its own problems."""

from __future__ import annotations

import shutil
from pathlib import Path

from finetune.methods import METHODS
from finetune.run.config import RunConfig
from finetune.run.preparation import Report, Sets, prepare_data, read_sets
from finetune.run.runs import Run, run_at
from finetune.section import problem
from workbench.artefacts.model_folder import ADAPTER_CONFIG, digest_of
from workbench.errors import WorkbenchError
from workbench.files import writing
from workbench.messages import say
from workbench.models.packaged import resolve_base
from workbench.settings import Settings

START = "preference.start"
FOLDER = "start"  # of the run folder: a copy of the adapter that the training begins with
EVEN = 1.34  # how much one kind of answers may outweigh the other
Problems = list[dict[str, str]]


def prepare(run: Run, config: RunConfig, report: Report) -> Sets:
    """The rows, and a copy of the adapter to begin with: its own run may change or go.

    Raises InvalidInput.
    """
    sets = prepare_data(run, config, report)
    name = config.task_settings.start
    own = run.folder / FOLDER
    if name and not own.exists():
        first = Run(run.folder.parent / name)
        with writing(own) as part:
            shutil.copytree(first.adapter, part)
    return sets


def read_ratings(config: RunConfig) -> Sets:
    """The rated answers; a remark where one kind outweighs the other, or is missing.

    Even are the weights of all good and of all bad answers up to 4 : 3. After Ethayarajh et al.
    (2024), KTO, equation 8.
    """
    sets = read_sets(config)
    good = sum(row.good for row in sets.taught)
    bad = len(sets.taught) - good
    weights = config.task_settings
    ratio = good * weights.desirable_weight / max(bad * weights.undesirable_weight, 0.001)
    if sets.taught and not 1 / EVEN <= ratio <= EVEN:
        sets.remarks.append(
            say(
                "{good} answers are rated good and {bad} bad: raise the weight of the fewer, "
                "preference.desirable_weight or undesirable_weight, until both weigh about the "
                "same.",
                good=good,
                bad=bad,
            )
        )
    return sets


def pair_problems(config: RunConfig, settings: Settings) -> Problems:
    """What DPO refuses."""
    found = _start_problems(config, settings)
    if config.training.packing:
        what = say("answers that are compared are not packed")
        found.append(problem("training.packing", what, say("Delete this line.")))
    return found


def rated_problems(config: RunConfig, settings: Settings) -> Problems:
    """What KTO refuses."""
    found = pair_problems(config, settings)
    if config.training.batch < 2 and config.task_settings.loss_type == "kto":
        what = say("kto compares the answers of a batch, so a batch needs two or more")
        fix = say('Set batch = 2 or more, or loss_type = "apo_zero_unpaired".')
        found.append(problem("training.batch", what, fix))
    return found


def _start_problems(config: RunConfig, settings: Settings) -> Problems:
    """Whether the run to begin with exists, and whether this one is its like."""
    name = config.task_settings.start
    if not name or (run_at(settings, config.name).folder / FOLDER).exists():
        return []
    run = run_at(settings, name)
    if not (run.adapter / ADAPTER_CONFIG).exists():
        what = say("there is no run {name} with an adapter", name=name)
        return [problem(START, what, say("List the runs with: workbench finetune runs"))]
    try:
        other = run.config()
    except WorkbenchError as error:
        return [problem(START, error.problem, error.fix)]
    return _unlike(config, other, run) + _other_base(config, run, settings)


def _unlike(config: RunConfig, other: RunConfig, run: Run) -> Problems:
    """Settings that shape the adapter or its texts, and have to be those of the first run."""
    section = METHODS[config.method].section
    pairs = {
        section: (config.tuning.model_dump(), other.tuning.model_dump()),
        "data.chat_template": (config.data.chat_template, other.data.chat_template),
        "data.special_tokens": (config.data.special_tokens, other.data.special_tokens),
    }
    found = []
    for place, (own, first) in pairs.items():
        if own != first:
            what = say("differs from the run {name}, whose adapter goes on", name=run.name)
            fix = say("Write it as in {file}.", file=run.run_file)
            found.append(problem(place, what, fix))
    return found


def _other_base(config: RunConfig, run: Run, settings: Settings) -> Problems:
    try:
        base = Path(resolve_base(config.base_path, settings)).expanduser()
    except WorkbenchError:
        return []  # the check of the base says so
    if base.is_dir() and digest_of(base) == run.base_digest:
        return []
    what = say("the run {name} was trained on another base", name=run.name)
    fix = say("Set base = {base}.", base=run.card.get("base"))
    return [problem("base", what, fix)]
