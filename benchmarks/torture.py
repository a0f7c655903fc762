"""Every file of ../shared/data/ingest_torture through the reader -> its text, in bounded memory.

.venv/bin/python benchmarks/torture.py [--show]
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import psutil

from rag.passages import Block
from rag.reading import read_files
from workbench.errors import WorkbenchError
from workbench.settings import load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ingest_torture"


TEXT_KINDS = ("encoding", "office", "html", "text")
_ENDINGS = ".txt .html .xml .srt .md .docx .xlsx .xls .odt .csv .rtf .epub .json .pptx .ipynb .msg"
TEXT_ENDINGS = frozenset(_ENDINGS.split())


def holds_text(entry: dict) -> bool:
    """What the manifest says: a count of characters, or a kind that is text by nature."""
    if "chars" in entry:
        return entry["chars"] > 0
    return entry["kind"] in TEXT_KINDS or Path(entry["file"]).suffix in TEXT_ENDINGS


class PeakMemory:
    """The most resident bytes of this process and its children, sampled while the block runs."""

    def __enter__(self) -> PeakMemory:
        self.bytes = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.Error:  # it has just ended
                    continue
            self.bytes = max(self.bytes, total)


def state_of(result: list[Block] | WorkbenchError) -> str:
    if isinstance(result, WorkbenchError):
        return "failed"
    return "text" if result else "empty"


def main() -> None:
    entries = [
        json.loads(line) for line in (DATA / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    passwords = {
        DATA / entry["file"]: entry["password"] for entry in entries if entry.get("password")
    }
    paths = [DATA / entry["file"] for entry in entries]
    begun = time.monotonic()
    with PeakMemory() as peak:
        results = dict(read_files(paths, load_settings(), passwords))
    seconds = time.monotonic() - begun
    counts = {"text": 0, "empty": 0, "failed": 0}
    wanted = 0
    found = 0
    for entry in entries:
        result = results[DATA / entry["file"]]
        state = state_of(result)
        counts[state] += 1
        if holds_text(entry):
            wanted += 1
            found += state == "text"
        if isinstance(result, WorkbenchError):
            print(f"failed  {entry['file']}: {result.problem}")
        elif state == "empty" and holds_text(entry):
            print(f"empty   {entry['file']}  chars {entry.get('chars')}")
        elif "--show" in sys.argv:
            text = " / ".join(block.text for block in result)
            print(f"text    {entry['file']}: {text[:110]!r}")
    print(f"{sum(counts.values())} of {len(entries)} files accounted for: {counts}")
    print(
        f"text from {found} of {wanted} files said to hold text: {found / wanted:.3f} (target 0.95)"
    )
    print(f"peak memory {peak.bytes / 1e9:.2f} GB (target 2), {seconds:.1f} s")


if __name__ == "__main__":
    main()
