"""Comparing in the loop: a trained candidate against what is in use -> better, or kept out.

Two comparisons, by the same measure. The first asks what was taught, and says so in each row: it
shows only whether the corrections were learned. The second asks questions that neither was taught.
A candidate is let on where it has learned more than what is in use and has not become worse
elsewhere, or where it is better elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.loop.in_use import arm_in_use
from agents.loop.leakage import find_leaks
from workbench.artefacts.batch import BETTER, KEPT_OUT, TRAINED, Batch, Command, LoopStep
from workbench.artefacts.data_set import read_conversations, write_lines
from workbench.artefacts.run_folder import RunFolder
from workbench.messages import Message, say
from workbench.settings import Settings

MOST = 60  # questions of each comparison
SURE = 0.05  # a difference that chance makes less often than this counts
MAY_LOSE = 0.05  # share of the held-out questions that a tie may lose by chance
Row = dict[str, Any]


def compare_batch(batch: Batch, settings: Settings, command: Command) -> dict[str, Any]:
    """The verdict on the batch's candidate, with the numbers of both comparisons."""
    old = arm_in_use(batch, settings)
    new = f"tuned:local:{batch.facts['run']}"
    taught = _questions(batch.taught, taught=True)
    held_out = _held_out(batch, taught, settings)
    results: Row = {"taught": _compare(batch, "taught", taught, (old, new), command)}
    if held_out:
        results["held out"] = _compare(batch, "held-out", held_out, (old, new), command)
    better, reason = judge(results, old, new)
    return {
        "state": BETTER if better else KEPT_OUT,
        "reason": reason,
        "arms": {"in use": old, "candidate": new},
        "results": results,
    }


def judge(results: Row, old: str, new: str) -> tuple[bool, Message]:
    """Whether the candidate is let on, and the reason with its numbers."""
    learned, known = _right(results["taught"], new), _right(results["taught"], old)
    asked = results["taught"]["arms"][new]["n"]
    gains = say(
        "{learned} of {asked} corrections learned, where what is in use knows {known}",
        learned=learned,
        asked=asked,
        known=known,
    )
    if "held out" not in results:
        better = learned > known
        return better, say("{gains}; no question was held out.", gains=gains)
    found = results["held out"]
    now, before, count = _right(found, new), _right(found, old), found["arms"][new]["n"]
    sure = found["p"] is not None and found["p"] < SURE
    worse = now < before and (sure or before - now > MAY_LOSE * count)
    better = not worse and (learned > known or (now > before and sure))
    reason = say(
        "{gains}; {now} of {count} held-out questions right, before {before}.",
        gains=gains,
        now=now,
        count=count,
        before=before,
    )
    return better, reason


def _right(result: Row, arm: str) -> int:
    return int(result["arms"][arm]["correct"])


def _compare(
    batch: Batch, kind: str, rows: Sequence[Row], arms: Sequence[str], command: Command
) -> Row:
    """The numbers of one comparison, kept under the batch's name."""
    path = batch.folder / f"questions-{kind}.jsonl"
    write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))
    name = f"{batch.name}-{kind}"
    done = command(
        *("compare", "run", "--questions", path, "--name", name, "--arms", ",".join(arms))
    )
    return {"name": name, "arms": done["arms"], "p": done.get("p"), "best": done.get("best")}


def _held_out(batch: Batch, taught: Sequence[Row], settings: Settings) -> list[Row]:
    """What the batch and the run in use hold out, without what the batch teaches in any words."""
    rows = _questions(batch.held_out)
    before = batch.facts.get("before")
    if before:
        rows += _questions(RunFolder(settings.home / "runs" / before).eval_data)
    learned = {row["question"]: batch.name for row in taught}
    leaks = find_leaks([row["question"] for row in rows], learned, settings)
    return [row for row, leak in zip(rows, leaks, strict=True) if leak is None][:MOST]


def _questions(path: Path, **more: Any) -> list[Row]:
    """Last question and answer of each dialogue, each question once."""
    rows: dict[str, Row] = {}
    for turns in read_conversations(path):
        questions = [turn["content"] for turn in turns if turn["role"] == "user"]
        single = len(questions) == 1
        if single:
            row = {"question": questions[0], "answer": turns[-1]["content"], **more}
            rows.setdefault(questions[0], row)
    return list(rows.values())[:MOST]


STEP = LoopStep(TRAINED, ("Compare with what is in use", "与当前使用的模型对比"), compare_batch)
