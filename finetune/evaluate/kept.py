"""What was found of rows before, so that a scoring that was broken off asks nothing twice.

`answers/HASH.jsonl` in the workspace, by the model's digest and the data's sha256. A line is
{"row": number, "answer": text}, or another thing that was found of the row.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from finetune.run.metrics import read_metrics
from workbench.settings import Settings


class Kept:
    """Row -> what is known of it, by its key; added to while it is found."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.rows: dict[int, dict[str, Any]] = {}
        for line in read_metrics(file) if file else []:
            self._learn(line.pop("row"), line)

    def add(self, row: int, key: str, value: Any) -> None:
        """Keep it, on the disk too."""
        self._learn(row, {key: value})
        if self._file:
            line = json.dumps({"row": row, key: value})
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}")  # a line that was cut off before spoils only itself

    def lacking(self, key: str, rows: list[int]) -> list[int]:
        """Those of the rows of which that is not known yet."""
        return [row for row in rows if key not in self.rows.get(row, {})]

    def _learn(self, row: int, found: dict[str, Any]) -> None:
        self.rows.setdefault(row, {}).update(found)


def kept_for(model: str, data: str, settings: Settings, again: bool = False) -> Kept:
    """What is kept of the model of that digest for the data of that sha256; `again` drops it."""
    name = hashlib.sha256(f"{model}\n{data}".encode()).hexdigest()[:16]
    file = settings.folder("answers") / f"{name}.jsonl"
    if again:
        file.unlink(missing_ok=True)
    return Kept(file)
