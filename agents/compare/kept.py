"""A comparison's folder -> its questions, answers and card; the only reader and writer of it.

comparisons/NAME/questions.jsonl   the frozen questions: {"id", "question", "answer", …}
comparisons/NAME/answers.jsonl     {"id", "arm", "text", "correct", "scores", "seconds",
                                   "tokens", "lineage", "sources", "failed"}
comparisons/NAME/card.json         name, created, questions_sha256, arms, measure, result
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.files import read_json, write_json, write_text
from workbench.messages import read_messages, say, with_messages
from workbench.settings import Settings

FOLDER = "comparisons"
NAME = re.compile(r"[\w][\w .-]{0,62}")
Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """One comparison, by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def questions_file(self) -> Path:
        return self.folder / "questions.jsonl"

    @property
    def answers_file(self) -> Path:
        return self.folder / "answers.jsonl"

    @property
    def card_file(self) -> Path:
        return self.folder / "card.json"

    @property
    def card(self) -> Row:
        """What is known of it; empty before its first question is asked. Raises InvalidInput."""
        try:
            card = read_json(self.card_file, {})
        except ValueError as error:
            raise InvalidInput(
                say("{path} is not JSON: {error}", path=self.card_file, error=error),
                "Restore it, or run the comparison again.",
            ) from error
        return card if isinstance(card, dict) else {}

    @property
    def result(self) -> Row:
        """The last event of `compare run`; empty for one that has not ended."""
        return read_messages(self.card.get("result") or {})

    @property
    def arms(self) -> list[str]:
        """The names of its arms, in the order they were given."""
        return list(self.card.get("arms", {}))

    @property
    def finished(self) -> bool:
        """Whether every arm was asked every question."""
        return bool(self.card.get("result"))

    @property
    def questions(self) -> list[Row]:
        """The frozen questions."""
        return read_lines(self.questions_file)

    @property
    def answers(self) -> list[Row]:
        """What every arm said to each question, and how it was scored."""
        return [read_messages(row) for row in read_lines(self.answers_file)]

    def freeze(self, questions: Sequence[Row]) -> None:
        """Write the questions."""
        write_lines(self.questions_file, questions)

    def save(self, card: Row, answers: Iterable[Row] = ()) -> None:
        """Write the answers, then the card, which says that they are whole."""
        write_lines(self.answers_file, (with_messages(row) for row in answers))
        kept = card | {"result": with_messages(card["result"])} if card.get("result") else card
        write_json(self.card_file, kept)


def list_comparisons(settings: Settings) -> list[Comparison]:
    """Every comparison of the workspace, the last changed first."""
    files = list(settings.home.glob(f"{FOLDER}/*/card.json"))
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    return [Comparison(file.parent) for file in files]


def find_comparison(name: str, settings: Settings) -> Comparison:
    """The comparison of that name. Raises NotFound."""
    found = comparison_of(name, settings)
    if not found.card_file.exists():
        raise NotFound(
            say("There is no comparison {name}.", name=name),
            "List them with: workbench compare list",
        )
    return found


def comparison_of(name: str, settings: Settings) -> Comparison:
    """The comparison of that name, made or not. Raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot name a comparison.", name=name),
            "Use 1 to 63 letters, digits, spaces, dots, hyphens or underscores; begin with a "
            "letter.",
        )
    return Comparison(settings.folder(FOLDER) / name)


def read_lines(path: Path) -> list[Row]:
    """The file's JSON objects; none without a file.

    A line that a killed process has left half written is skipped.
    """
    if not path.exists():
        return []
    rows: list[Row] = []
    for line in path.read_text("utf-8").split("\n"):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """The objects as JSON lines, whole or not at all."""
    lines = [json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows]
    write_text(path, "".join(lines))
