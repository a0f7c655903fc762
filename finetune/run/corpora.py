"""A run file of the task pretrain -> its corpora, looked at but not read, and their sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from finetune.corpus.files import check_files
from finetune.corpus.settings import Mixture, Pretrain, Weighted
from finetune.corpus.store import Corpus
from finetune.data.dataset import Problem
from finetune.methods import METHODS
from finetune.run.config import RunConfig
from finetune.run.preparation import Report, Sets, refuse
from finetune.run.runs import Run
from finetune.section import problem
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import Settings

# of [data]; text has no turns, and all of it is learned
UNUSED = ("hold_out", "test", "only", "system", "chat_template", "special_tokens")


def read_corpora(config: RunConfig) -> Sets:
    """The corpora to learn and the one to measure on, with every problem of their files."""
    settings: Pretrain = config.task_settings
    problems = [*_unused(config), *_wrong_weights(config, settings)]
    weights = settings.weights
    if len(weights) != len(config.data.train):
        weights = [1.0] * len(config.data.train)
    left_out: list[str] = []
    files: dict[float, list[Path]] = {}
    for path, weight in zip(config.paths("train"), weights, strict=True):
        found, wrong = check_files([path], left_out)
        files.setdefault(weight, []).extend(found)  # of one weight: one stream, one remainder
        problems += wrong
    measured, wrong = check_files(config.paths("eval"), left_out)
    problems += wrong
    corpora = [Weighted(_corpus(found, settings), weight) for weight, found in files.items()]
    mixture = Mixture(tuple(corpora), config.data.eval_share, settings.isolated)
    return Sets(
        taught=() if problems else mixture,
        held_out=_corpus(measured, settings) if measured else None,
        problems=problems,
        remarks=left_out,
    )


def prepare_corpora(run: Run, config: RunConfig, report: Report) -> Sets:
    """The same, with what the card says of them.

    Raises InvalidInput, and Conflict where the text of a run that has begun has changed.
    """
    sets = read_corpora(config)
    refuse(sets.problems)
    taught = [one.corpus for one in sets.taught.corpora]
    sets.facts = {"train": {"sha256": _digest(taught)}}
    if sets.held_out:
        sets.facts["eval"] = {"sha256": _digest([sets.held_out])}
    before = run.card.get("data", {})
    for name, facts in sets.facts.items():
        if before.get(name, facts)["sha256"] != facts["sha256"]:
            raise Conflict(
                say("The text of {name} has changed since this run began.", name=f"data.{name}"),
                "Restore it, or train again with --replace, or under another --name.",
            )
        sets.facts[name] = before.get(name, facts)
    return sets


def method_problems(config: RunConfig, settings: Settings) -> list[dict[str, str]]:
    """Isolated documents are told apart by their positions, which some methods need themselves."""
    isolated = config.task_settings.isolated
    if not (isolated and METHODS[config.method].stands_before_text):
        return []
    fault = say("{method} does not train on packed rows", method=config.method)
    return [problem("pretrain.isolated", fault, say("Delete it, or choose another method."))]


def _corpus(files: Sequence[Path], settings: Pretrain) -> Corpus:
    return Corpus(tuple(files), settings.documents, settings.column)


def _digest(corpora: Sequence[Corpus]) -> str:
    digest = hashlib.sha256()
    for corpus in corpora:
        digest.update(corpus.sha256.encode())
    return digest.hexdigest()


def _unused(config: RunConfig) -> list[Problem]:
    """A problem for each setting that would be overlooked."""
    given = [name for name in UNUSED if name in config.data.model_fields_set]
    return [
        Problem(
            f"data.{name}",
            0,
            say("the task {task} does not read this setting", task=config.task),
            say("Delete it."),
        )
        for name in given
        if getattr(config.data, name) != type(config.data).model_fields[name].default
    ]


def _wrong_weights(config: RunConfig, settings: Pretrain) -> list[Problem]:
    weights = len(settings.weights)
    entries = len(config.data.train)
    if weights in (0, entries):
        return []
    fault = say("{weights} weights for {entries} entries", weights=weights, entries=entries)
    fix = say("Give one weight for each entry of data.train, in their order.")
    return [Problem("pretrain.weights", 0, fault, fix)]
