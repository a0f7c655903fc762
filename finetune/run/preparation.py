"""A run's data files -> rows to learn and to measure, kept in the run folder, and as tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.data.dataset import Loaded, Problem, overlap, split
from finetune.data.examples import LearnedRow, digest, write_examples
from finetune.encoding.masking import Encoded
from finetune.methods import METHODS
from finetune.run.config import RunConfig
from finetune.run.runs import Run
from finetune.tasks import TASKS
from workbench.errors import InvalidInput
from workbench.messages import say

Report = Callable[[dict[str, Any]], None]
LIBRARIES = ("agent-workbench", "torch", "transformers", "trl", "peft", "datasets", "accelerate")


@dataclass
class Sets:
    """What a run's data gives: what is learned and what is measured, and remarks about it.

    Of most tasks these are rows of files; another task's `encode` and trainer know what its are.
    `facts` are what the card says of each: {"rows", "sha256"}. `prepare` fills them in.
    """

    taught: Any = ()
    held_out: Any = ()
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    test_problems: list[Problem] = field(default_factory=list)  # these do not stop a training


def read_sets(config: RunConfig) -> Sets:
    """Read every data file of the run, hold out the share, and compare the sets with each other."""
    load = TASKS[config.task].load
    loaded = load(config.paths("train"), config.data.only)
    measured = Loaded([], [], [], "")
    tests = Loaded([], [], [], "")
    if config.data.eval:
        measured = load(config.paths("eval"), config.data.only)
    if config.data.test:
        tests = load(config.paths("test"), config.data.only)
    taught = loaded.examples
    held_out = measured.examples
    if config.data.eval_share:
        taught, share = split(taught, config.data.eval_share, config.seed, config.data.hold_out)
        held_out = held_out + share
    return Sets(
        taught=with_system(taught, config.data.system),
        held_out=with_system(held_out, config.data.system),
        problems=loaded.problems + measured.problems,
        remarks=[*loaded.notes, *measured.notes, *tests.notes, *_left_out(loaded)],
        overlaps=[
            *_overlaps("eval", taught, held_out),
            *_overlaps("test", taught, tests.examples),
        ],
        test_problems=tests.problems,
    )


def prepare_data(run: Run, config: RunConfig, report: Report) -> Sets:
    """What is taught and what is held out; a resumed run reads its copy. Raises InvalidInput."""
    folder = run.folder / "data"
    load = TASKS[config.task].load
    if (folder / "eval.jsonl").exists():  # the last file that is written
        taught = load([folder / "train.jsonl"], {})
        refuse(taught.problems)
        held_out = load([folder / "eval.jsonl"], {})
        return _described(Sets(taught=taught.examples, held_out=held_out.examples))
    sets = read_sets(config)
    refuse(sets.problems)
    for warning in sets.overlaps:
        report({"event": "warning", "text": warning})
    folder.mkdir(exist_ok=True)
    write_examples(folder / "train.jsonl", sets.taught)
    write_examples(folder / "eval.jsonl", sets.held_out)
    return _described(sets)


def with_system(rows: Sequence[Any], system: str) -> list[Any]:
    """Each conversation begins with the system prompt, if it has none of its own."""
    if not system:
        return list(rows)
    return [row.with_system(system) for row in rows]


def encode_rows(
    config: RunConfig, taught: Any, held_out: Any, tokenizer: Any, report: Report
) -> tuple[list[Encoded], list[Encoded]]:
    """Sequences to train on, and sequences to measure on.

    A warning for what is cut off. Raises InvalidInput where nothing can be learned.
    """
    rows = _encode(config, taught, "train", tokenizer, report)
    measured = _encode(config, held_out, "eval", tokenizer, report)
    if not rows:
        raise InvalidInput(
            say(
                "No answer fits into {max_length} tokens, so nothing can be learned.",
                max_length=config.data.max_length,
            ),
            "Raise data.max_length in the run file.",
        )
    return rows, measured


def describe(config: RunConfig, base: Path, sets: Sets) -> dict[str, Any]:
    """The facts for card.json that are known before the first step."""
    from workbench.artefacts.model_folder import digest_of, own_code

    task = TASKS[config.task]
    own = {task.section: config.task_settings.model_dump(mode="json")} if task.section else {}
    return {
        **own,
        "name": config.name,
        "base": config.base,
        "base_folder": str(base),
        "base_digest": digest_of(base),
        "remote_code": own_code(base) if config.remote_code else {},
        "task": config.task,
        "talks": TASKS[config.task].talks,
        "method": config.method,
        "gguf": METHODS[config.method].gguf,
        "seed": config.seed,
        "system": config.data.system,
        "folder": str(config.folder),
        "data_sha256": sets.facts["train"]["sha256"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": sets.facts,
        "versions": {library: version(library) for library in LIBRARIES},
    }


def _described(sets: Sets) -> Sets:
    """With the card's facts of the rows."""
    for name, rows in (("train", sets.taught), ("eval", sets.held_out)):
        sets.facts[name] = {"rows": len(rows), "sha256": digest(rows)}
    return sets


def _left_out(loaded: Loaded) -> list[str]:
    if not loaded.dropped:
        return []
    first = loaded.dropped[0]
    return [
        say(
            "{count} rows are left out, the first {file}:{line}: {reason}",
            count=len(loaded.dropped),
            file=first.file,
            line=first.line,
            reason=first.reason,
        )
    ]


def _overlaps(name: str, taught: Sequence[LearnedRow], rows: Sequence[LearnedRow]) -> list[str]:
    """A warning for a set that measures and has questions that are taught."""
    same = overlap(taught, rows)
    if not same:
        return []
    return [
        say(
            "{count} of the {all} {name} questions are also taught (the first: {test} as in "
            "{train}): the {name} score measures what was memorised, not what was understood.",
            count=len(same),
            all=len(rows),
            name=name,
            test=same[0].test,
            train=same[0].train,
        )
    ]


def refuse(problems: Sequence[Problem]) -> None:
    """Raise the first problem, and say where to see all of them."""
    if not problems:
        return
    first = problems[0]
    raise InvalidInput(
        say(
            "{problems} rows of the data cannot be used; the first is {where}: {problem}",
            problems=len(problems),
            where=first.where,
            problem=first.problem,
        ),
        say("{fix} All of them: workbench finetune check RUN.toml", fix=first.fix),
    )


def _encode(
    config: RunConfig, taught: Any, name: str, tokenizer: Any, report: Report
) -> list[Encoded]:
    encode = TASKS[config.task].encode
    length = config.data.max_length
    found = encode(taught, tokenizer, length)
    if found.truncated:
        warning = say(
            "{count} {name} answers are cut off at {length} tokens.",
            count=len(found.truncated),
            name=name,
            length=length,
        )
        report({"event": "warning", "text": warning})
    if found.nothing_left:
        warning = say(
            "{count} {name} rows are left out: their question alone fills {length} tokens.",
            count=len(found.nothing_left),
            name=name,
            length=length,
        )
        report({"event": "warning", "text": warning})
    return found.rows
