"""Answers of an arm as it was -> kept, so that no question is asked twice.

comparisons/.answers/KEY.jsonl    KEY covers mode, model digest, collection and settings
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.compare.arms import Answered
from agents.compare.kept import FOLDER, read_lines
from workbench.chat.events import Source
from workbench.settings import Settings

Row = dict[str, Any]


class KeptAnswers:
    """What an arm answered before, by the key of the question.

    Each answer is a line that is written when it is known. A failure is not kept: what failed may
    have been a server, and is asked again.
    """

    def __init__(self, description: Row, settings: Settings) -> None:
        whole = json.dumps(description, sort_keys=True, ensure_ascii=False, default=str)
        key = hashlib.sha256(whole.encode()).hexdigest()[:24]
        self._path: Path = settings.folder(FOLDER, ".answers") / f"{key}.jsonl"
        self._found = {row["key"]: row for row in read_lines(self._path) if "key" in row}

    def get(self, key: str) -> Answered | None:
        """The answer to that question; None where it was not asked yet."""
        row = self._found.get(key)
        if row is None:
            return None
        fields = {name: value for name, value in row.items() if name != "key"}
        sources = [Source(**source) for source in fields.pop("sources", [])]
        return Answered(**fields, sources=sources)

    def add(self, key: str, answered: Answered) -> None:
        """Keep one more answer, at once."""
        if answered.failed:
            return
        row = {"key": key, **asdict(answered)}
        self._found[key] = row
        line = json.dumps(row, ensure_ascii=False, default=str)
        with self._path.open("a", encoding="utf-8") as file:
            # the line break first: a line that a kill has cut stays alone
            file.write(f"\n{line}")
