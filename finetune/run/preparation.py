"""A run's data files -> what is taught and what is measured, kept in the run folder, and as rows of tokens."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.data.dataset import load_examples, overlap, split
from finetune.data.examples import Example, Message, digest, write_examples
from finetune.encoding.batches import as_rows, pack
from finetune.encoding.masking import Encoded, encode_all
from finetune.run.config import RunConfig
from finetune.run.runs import Run
from workbench.errors import InvalidInput
from workbench.messages import say

Report = Callable[[dict[str, Any]], None]
LIBRARIES = ("agent-workbench", "torch", "transformers", "trl", "peft", "datasets", "accelerate")


def prepare_data(
    run: Run, config: RunConfig, report: Report
) -> tuple[list[Example], list[Example]]:
    """What is taught and what is held out; a run that is taken up again reads its own copy. Raises InvalidInput."""
    folder = run.folder / "data"
    if (folder / "eval.jsonl").exists():
        return _read([folder / "train.jsonl"], {}), _read([folder / "eval.jsonl"], {}, needed=False)
    taught = _read(config.paths("train"), config.data.only)
    held_out = _read(config.paths("eval"), config.data.only) if config.data.eval else []
    if config.data.eval_share:
        taught, share = split(taught, config.data.eval_share, config.seed, config.data.hold_out)
        held_out += share
    for warning in find_overlaps(config, taught, held_out):
        report({"event": "warning", "text": warning})
    folder.mkdir(exist_ok=True)
    taught, held_out = (
        with_system(taught, config.data.system),
        with_system(held_out, config.data.system),
    )
    write_examples(folder / "train.jsonl", taught)
    write_examples(folder / "eval.jsonl", held_out)
    return taught, held_out


def find_overlaps(
    config: RunConfig, taught: Sequence[Example], held_out: Sequence[Example]
) -> list[str]:
    """A warning for each set that shall measure and holds questions that are taught."""
    tests = (
        load_examples(config.paths("test"), config.data.only).examples if config.data.test else []
    )
    found = []
    for name, examples in (("eval", held_out), ("test", tests)):
        if same := overlap(taught, examples):
            found.append(
                f"{len(same)} of the {len(examples)} {name} questions are also taught (the first: {same[0].test} as in "
                f"{same[0].train}): the {name} score will tell what was memorised, not what was understood."
            )
    return found


def with_system(examples: Sequence[Example], system: str) -> list[Example]:
    """Each conversation begins with the system prompt, if it has none of its own."""
    if not system:
        return list(examples)
    first = Message("system", system)
    return [
        example
        if example.messages[0].role == "system"
        else replace(example, messages=(first, *example.messages))
        for example in examples
    ]


def encode_rows(
    config: RunConfig,
    taught: Sequence[Example],
    held_out: Sequence[Example],
    tokenizer: Any,
    report: Report,
) -> tuple[list[dict[str, list[int]]], list[dict[str, list[int]]]]:
    """Rows to train on, packed where the run file says so, and rows to measure on. What is cut off is told."""
    rows = _encode(taught, tokenizer, config.data.max_length, "train", report)
    measured = _encode(held_out, tokenizer, config.data.max_length, "eval", report)
    if not rows:
        raise InvalidInput(
            say(
                "No answer fits into {max_length} tokens, so nothing can be learned.",
                max_length=config.data.max_length,
            ),
            "Raise data.max_length in the run file.",
        )
    if not config.training.packing:
        return as_rows(rows), as_rows(measured)
    packed = pack(rows, config.data.max_length)
    random.Random(config.seed).shuffle(packed)  # noqa: S311 - an order needs no secret
    return packed, as_rows(measured)


def describe(
    config: RunConfig, base: Path, taught: Sequence[Example], held_out: Sequence[Example]
) -> dict[str, Any]:
    """The facts for card.json that are known before the first step."""
    from workbench.artefacts.model_folder import digest_of

    return {
        "name": config.name,
        "base": config.base,
        "base_folder": str(base),
        "base_digest": digest_of(base),
        "method": config.lora.method,
        "seed": config.seed,
        "system": config.data.system,
        "folder": str(config.folder),
        "data_sha256": digest(taught),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            "train": {"rows": len(taught), "sha256": digest(taught)},
            "eval": {"rows": len(held_out), "sha256": digest(held_out)},
        },
        "versions": {library: version(library) for library in LIBRARIES},
    }


def _read(paths: Sequence[Path], only: dict[str, str], needed: bool = True) -> list[Example]:
    loaded = load_examples(paths, only)
    if loaded.problems and needed:
        first = loaded.problems[0]
        raise InvalidInput(
            say(
                "{problems} rows of the data cannot be used; the first is {where}: {problem}",
                problems=len(loaded.problems),
                where=first.where,
                problem=first.problem,
            ),
            say("{fix} All of them: workbench finetune check RUN.toml", fix=first.fix),
        )
    return loaded.examples


def _encode(
    examples: Sequence[Example], tokenizer: Any, max_length: int, name: str, report: Report
) -> list[Encoded]:
    found = encode_all(examples, tokenizer, max_length)
    if found.truncated or found.nothing_left:
        lost = (
            f", {len(found.nothing_left)} of them wholly and left out" if found.nothing_left else ""
        )
        report(
            {
                "event": "warning",
                "text": f"{len(found.truncated)} {name} answers are cut off at {max_length} tokens{lost}.",
            }
        )
    return found.rows
