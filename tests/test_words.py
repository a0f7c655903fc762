"""Plain English: some words make a sentence hard to read the first time, so code and docs do
without them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("workbench", "agents", "rag", "finetune", "deploy", "docs", "benchmarks", "README.md")
# the word -> what to write instead
HARD = {
    r"\bshall\b": "must, should, or the present tense",
    r"\banew\b": "again",
    r"\b(?:tell|tells|told|tells us) of\b": "name, report, describe",
    # Not in a question such as "How many posts are there?".
    r"\b(?:is|are|was) (?:not |no longer |already )?there\b(?!\?| (?:the|on|of|per|in)\b)": (
        "exists, is missing, is available"
    ),
    r"\bof whom\b|\bwhereof\b|\bthereof\b|\bwherein\b": "a second sentence",
    r"\bthat that\b": "a second sentence",
}


def texts() -> list[Path]:
    found: list[Path] = []
    for place in PLACES:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        found += [file for file in files if file.suffix in (".py", ".md")]
    return [file for file in found if "docs/zh" not in str(file)]


@pytest.mark.parametrize("pattern", HARD)
def test_a_hard_word_is_not_used(pattern: str) -> None:
    files = texts()
    assert len(files) > 200
    found = []
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if re.search(pattern, line, re.I):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found, f"write {HARD[pattern]}:\n" + "\n".join(found)
