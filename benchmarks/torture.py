"""Every file of ../shared/data/ingest_torture through the reader: accounted for, in bounded memory, with its text.

.venv/bin/python benchmarks/torture.py [--show]
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import psutil

from rag.reading import read_files
from workbench.errors import WorkbenchError
from workbench.settings import load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ingest_torture"


def holds_text(entry: dict) -> bool:
    """What the manifest says: a count of characters, or a kind that is text by nature."""
    if "chars" in entry:
        return entry["chars"] > 0
    return (
        entry["kind"] in ("encoding", "office", "html", "text")
        or Path(entry["file"]).suffix in TEXT_ENDINGS
    )


TEXT_ENDINGS = {
    ".txt",
    ".html",
    ".xml",
    ".srt",
    ".md",
    ".docx",
    ".xlsx",
    ".xls",
    ".odt",
    ".csv",
    ".rtf",
    ".epub",
    ".json",
    ".pptx",
    ".ipynb",
    ".msg",
}


def main() -> None:
    entries = [
        json.loads(line) for line in (DATA / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    passwords = {
        DATA / entry["file"]: entry["password"] for entry in entries if entry.get("password")
    }
    peak, running = [0], [True]

    def watch() -> None:
        me = psutil.Process()
        while running[0]:
            family = [me, *me.children(recursive=True)]
            total = 0
            for process in family:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    begun = time.monotonic()
    results = dict(
        read_files([DATA / entry["file"] for entry in entries], load_settings(), passwords)
    )
    seconds = time.monotonic() - begun
    running[0] = False
    counts = {"text": 0, "empty": 0, "failed": 0}
    wanted = found = 0
    for entry in entries:
        result = results[DATA / entry["file"]]
        state = "failed" if isinstance(result, WorkbenchError) else "text" if result else "empty"
        counts[state] += 1
        if holds_text(entry):
            wanted += 1
            found += state == "text"
        if state == "failed":
            print(f"failed  {entry['file']}: {result.problem}")
        elif state == "empty" and holds_text(entry):
            print(f"empty   {entry['file']}  chars {entry.get('chars')}")
        elif "--show" in sys.argv:
            print(f"text    {entry['file']}: {' / '.join(block.text for block in result)[:110]!r}")
    print(f"{sum(counts.values())} of {len(entries)} files accounted for: {counts}")
    print(
        f"text from {found} of {wanted} files said to hold text: {found / wanted:.3f} (target 0.95)"
    )
    print(f"peak memory {peak[0] / 1e9:.2f} GB (target 2), {seconds:.1f} s")


if __name__ == "__main__":
    main()
