"""Files -> index by this process, by one Ray worker and by two: the same index, and how fast.

Workers have one processor each; the seconds count from the moment at which all are ready, and with
the start of Ray and of the workers: `python benchmarks/ray_ingest.py [FILES]`. It needs the extra
`ray` and about five minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ingest import read_texts

from rag.digest import digest_of
from rag.engines.local import embed_here
from rag.engines.parts import Engine
from rag.engines.ray_crew import RayEngine
from rag.ingest import ingest
from rag.progress import READING, STARTING
from rag.store import open_collection
from workbench.settings import Settings, load_settings

ENGINES: dict[str, Engine] = {
    "this process": embed_here,
    "one worker": RayEngine(workers=1, cores=1),
    "two workers": RayEngine(workers=2, cores=1),
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1280
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings(home=Path(name) / "workspace")
        files = Path(name) / "files"
        files.mkdir()
        texts = read_texts(count)
        for number in range(count):
            text = f"{texts[number % len(texts)]}\n{number}\n"
            (files / f"{number:05}.txt").write_text(text, "utf-8")
        seconds: dict[str, float] = {}
        sums: list[str] = []
        for engine, run in ENGINES.items():
            working, whole = timed(files, engine, run, settings)
            seconds[engine] = working
            sums.append(digest_of(open_collection(settings, engine)))
            rate = f"{count / working:6.1f} files a second"
            print(
                f"{engine:30} {rate}, {working:6.1f} s; with the start {whole:6.1f} s", flush=True
            )
    print(f"the same index: {len(set(sums)) == 1} ({sums[0][:16]})")
    faster = seconds["one worker"] / seconds["two workers"]
    print(f"two workers against one {faster:.2f} x (target 1.6 on two free processors)")
    print(f"load of the machine before: {os.getloadavg()[2]:.1f} on {os.cpu_count()} processors")


def timed(files: Path, name: str, engine: Engine, settings: Settings) -> tuple[float, float]:
    """Seconds in which the files were read and embedded, and seconds of all until then."""
    begun = time.monotonic()
    ready = [begun]
    done = [begun]

    def report(event: dict[str, Any]) -> None:
        if event["stage"] == STARTING:
            ready[0] = time.monotonic()
        if event["stage"] == READING:
            done[0] = time.monotonic()

    ingest([files], name, settings, engine=engine, report=report)
    return done[0] - ready[0], done[0] - begun


if __name__ == "__main__":
    main()
