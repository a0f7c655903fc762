"""Questions with the agent that each belongs to -> how many Auto sends there, before and after it
learned.

A frozen set is JSON lines of {"question", "mode"}, or lines of `mode<tab>question`. Without one the
judged questions themselves are asked, each with what was judged of all others but itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.evidence import Asset, find_assets
from agents.learning.learned import stances_of
from agents.learning.memory import keep_score, learned
from agents.question import Question
from agents.registry import AGENTS
from agents.router import as_learned, by_assets
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

FORM = 'Give each line a question and its agent: {"question": …, "mode": "documents"}'
JUDGED = "judged questions"
Row = dict[str, Any]
Report = Callable[[Row], None]


def score_router(
    asked: Iterable[tuple[str, str]],
    settings: Settings,
    *,
    held_out: bool = False,
    report: Report = lambda event: None,
) -> Row:
    """{"n", "before", "after", "moved", "modes"}: the shares that go where they belong.

    `asked` are (mode, question). `moved` lists each question that learning sends elsewhere.
    `held_out`: what was judged of a question itself does not count for it.
    """
    rows = list(asked)
    assets = find_assets(settings)
    moved: list[Row] = []
    modes: dict[str, Row] = {}
    for number, (mode, text) in enumerate(rows):
        report({"event": "progress", "done": number, "of": len(rows)})
        before, after = _routes(text, assets, settings, text if held_out else "")
        counts = modes.setdefault(mode, {"n": 0, "before": 0, "after": 0})
        counts["n"] += 1
        counts["before"] += before == mode
        counts["after"] += after == mode
        if before != after:
            moved.append({"question": text, "mode": mode, "before": before, "after": after})
    return {
        "n": len(rows),
        "before": _share(modes, "before", len(rows)),
        "after": _share(modes, "after", len(rows)),
        "modes": modes,
        "moved": moved,
    }


def score_frozen(path: Path, settings: Settings, report: Report = lambda event: None) -> Row:
    """What a frozen set shows; it is kept. Raises what `read_frozen` raises."""
    result = score_router(read_frozen(path), settings, report=report)
    return _keep(result | {"set": path.name}, settings)


def score_judged(settings: Settings, report: Report = lambda event: None) -> Row:
    """What the judged questions show, each without what was judged of itself; it is kept."""
    result = score_router(judged_questions(settings), settings, held_out=True, report=report)
    return _keep(result | {"set": JUDGED}, settings)


def judged_questions(settings: Settings) -> list[tuple[str, str]]:
    """(mode, question) of each judged question that some agent answers best."""
    stances = stances_of(learned(settings), settings)
    return [(stance.best, stance.question) for stance in stances if stance.best]


def read_frozen(path: Path) -> list[tuple[str, str]]:
    """The (mode, question) of each line. Raises NotFound, or InvalidInput with the number."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            say("{path} cannot be read: {error}", path=path, error=error),
            "Check the path.",
        ) from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            found.append(_read(line, path, number))
    if not found:
        raise InvalidInput(say("{path} has no questions.", path=path), FORM)
    return found


def _keep(result: Row, settings: Settings) -> Row:
    keep_score(result | {"measured": time.time()}, settings)
    return result


def _routes(
    text: str, assets: Mapping[str, Asset], settings: Settings, without: str
) -> tuple[str, str]:
    """The modes before and after what was learned."""
    question = Question(text, [], settings)
    steps = by_assets(question, assets)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            before = end.value
            break
    return before.mode, as_learned(question, before, assets, without).mode


def _read(line: str, path: Path, number: int) -> tuple[str, str]:
    mode, question = _of_json(line) if line.lstrip().startswith("{") else _of_columns(line)
    if mode not in AGENTS or not question.strip():
        raise InvalidInput(
            say(
                "Line {number} of {path} names no question with its agent.",
                number=number,
                path=path,
            ),
            FORM,
        )
    return mode, question


def _of_json(line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError:
        return "", ""
    return str(row.get("mode") or ""), str(row.get("question") or "")


def _of_columns(line: str) -> tuple[str, str]:
    mode, _, question = line.partition("\t")
    return mode.strip(), question


def _share(modes: Mapping[str, Row], key: str, of: int) -> float:
    right: Sequence[int] = [counts[key] for counts in modes.values()]
    return round(sum(right) / of, 4) if of else 0.0
