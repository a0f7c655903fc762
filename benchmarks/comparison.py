"""Comparisons where the truth is known: verdicts, coverage of the intervals, kill and resume.

    .venv/bin/python benchmarks/comparison.py [--questions 60] [--real 20]

Three sets of questions are answered by models whose knowledge is known by construction
(tests/known_models.py): facts that only the documents hold, a manner that only tuning has, and
both. A comparison is killed half-way and run again: no question may be asked twice. Intervals are
drawn again for 50 seeded samples of populations with a known difference. `--real` asks the packaged
small model so many questions of the example handbook, without and with the documents; 0 leaves that
out.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
ARMS = ["base", "rag", "tuned", "rag+tuned"]
BEST = {"documents": "rag", "tuning": "tuned", "both": "rag+tuned"}
REAL = "packaged:smollm2-135m"
SAMPLES = 50
# right by both arms, by the first alone, by the second alone
POPULATIONS = [(0.3, 0.35, 0.1), (0.5, 0.15, 0.15), (0.05, 0.85, 0.0), (0.8, 0.05, 0.02)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=60)
    options.add_argument("--real", type=int, default=20)
    chosen = options.parse_args()
    measure_coverage(chosen.questions)
    with tempfile.TemporaryDirectory() as folder:
        compare_known(Path(folder), chosen.questions)
        if chosen.real:
            compare_real(Path(folder) / "real", chosen.real)


def measure_coverage(questions: int) -> None:
    """How often the intervals hold the truth, of samples of so many questions."""
    import numpy as np

    from workbench.scoring.paired import compare_pairs, wilson

    for number, (both, first_alone, second_alone) in enumerate(POPULATIONS):
        neither = 1 - both - first_alone - second_alone
        chance = np.random.default_rng(number)
        differences = shares = 0
        for seed in range(SAMPLES):
            kinds = chance.choice(4, size=questions, p=[both, first_alone, second_alone, neither])
            first, second = np.isin(kinds, [0, 1]), np.isin(kinds, [0, 2])
            low, high = compare_pairs(first, second, seed=seed).interval
            differences += low <= first_alone - second_alone <= high
            low, high = wilson(int(first.sum()), questions)
            shares += low <= both + first_alone <= high
        print(
            f"coverage, {both + first_alone:.0%} against {both + second_alone:.0%} right: "
            f"difference {differences} of {SAMPLES}, share {shares} of {SAMPLES}"
        )


@dataclass(frozen=True)
class Workspace:
    """A workspace with the gadgets' documents, and the three sets of questions."""

    settings: Any
    sets: dict[str, Path]


def compare_known(folder: Path, questions: int) -> None:
    from known_models import PLAIN, TUNED, gadgets, known_models, write_document, write_sets

    from rag.ingest import ingest
    from workbench.settings import load_settings

    requests: list[dict[str, Any]] = []
    kilos = gadgets(questions)
    with known_models(requests) as url:
        settings = load_settings(
            home=folder / "known",
            openai_base_url=url,
            ollama_host="http://127.0.0.1:9",
            model=PLAIN,
            tuned=TUNED,
            collection="gadgets",
        )
        ingest([write_document(folder / "gadgets.md", kilos)], "gadgets", settings)
        known = Workspace(settings, write_sets(folder, kilos))
        for kind in known.sets:
            verdict_on(known, kind, requests)
        kill_and_resume(known, requests)


def verdict_on(known: Workspace, kind: str, requests: list[dict[str, Any]]) -> None:
    """The verdict on one set, and whether the same numbers come again without asking."""
    from agents.compare.run import Wanted, compare

    measure = "auto" if kind == "documents" else "contains"
    wanted = Wanted(str(known.sets[kind]), ARMS, measure=measure)
    begun = time.monotonic()
    result = compare(wanted, known.settings)
    seconds = time.monotonic() - begun
    asked = len(requests)
    again = compare(wanted, known.settings) == result and len(requests) == asked
    counts = {arm: figures["correct"] for arm, figures in result["arms"].items()}
    right = result["best"] == BEST[kind]
    best = f"{result['best']} ({'right' if right else 'WRONG'})"
    print(f"{kind}: {counts}, best {best}, {seconds:.0f} s")
    print(f"  {result['verdict']}")
    print(f"  run again: {'the same numbers, nothing asked' if again else 'OTHER NUMBERS'}")


def kill_and_resume(known: Workspace, requests: list[dict[str, Any]]) -> None:
    """SIGKILL in the middle, then the same comparison again: every question is asked once."""
    from agents.compare.run import Wanted, compare

    questions = known.sets["tuning"]
    half = len(questions.read_text("utf-8").splitlines()) // 2
    settings = known.settings.model_copy(update={"answer_tokens": 100})  # no answer is kept yet
    before = len(requests)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(questions)],
        env=_environment(settings),
        cwd=ROOT,
    )
    while len(requests) - before < half and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    at_kill = len(requests) - before
    compare(Wanted(str(questions), ["base", "tuned"], name="killed", measure="contains"), settings)
    asked = Counter(str(request["messages"]) + request["model"] for request in requests[before:])
    twice = sum(count > 1 for count in asked.values())
    # the one that was on its way when it was killed had no answer yet
    print(f"killed after {at_kill} of {4 * half} answers; asked twice: {twice} (1 at most)")


KILLED = """
import sys
from agents.compare.run import Wanted, compare
from workbench.settings import load_settings
wanted = Wanted(sys.argv[1], ["base", "tuned"], name="killed", measure="contains")
compare(wanted, load_settings())
"""


def _environment(settings: Any) -> dict[str, str]:
    import os

    names = ["home", "openai_base_url", "ollama_host", "model", "tuned", "answer_tokens"]
    chosen = {f"WORKBENCH_{name.upper()}": str(getattr(settings, name)) for name in names}
    return os.environ | chosen | {"PYTHONPATH": str(ROOT)}


def compare_real(home: Path, count: int) -> None:
    """The example handbook and the packaged model: facts that it cannot know."""
    from agents.compare.run import Wanted, compare
    from rag.example import EXAMPLE
    from rag.ingest import ingest
    from workbench.settings import load_settings

    settings = load_settings(home=home, model=REAL, collection="handbook", answer_tokens=128)
    ingest([EXAMPLE], "handbook", settings)
    begun = time.monotonic()
    result = compare(Wanted("collection:handbook", ["base", "rag"], limit=count), settings)
    print(f"handbook, {REAL}, {time.monotonic() - begun:.0f} s: {result['verdict']}")


if __name__ == "__main__":
    main()
