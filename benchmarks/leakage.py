"""Planted leaks that are found, and false alarms: questions of real sets, and rewordings of them.

    python benchmarks/leakage.py [--tune]

A hundred questions measure. Planted among the training rows: 20 of them in other case, width and
punctuation, and 20 in other words (rewordings.tsv, written by hand, ten in each language). Harmless
are 500 other questions of the same sets, most of them about the same articles. The threshold was
chosen on the rewordings that --tune uses; the others were not looked at before.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from agents.loop.leakage import find_leaks
from workbench.settings import Settings, load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("retrieval_xquad_en", "retrieval_cmrc2018")
REWORDINGS = Path(__file__).with_name("rewordings.tsv")
EXACT = 20
MEASURED = 100
HARMLESS = 500


def read_questions() -> dict[str, str]:
    """Id -> question, of both sets."""
    found: dict[str, str] = {}
    for name in SETS:
        lines = (DATA / name / "queries.jsonl").read_text("utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        found |= {row["id"]: row["question"] for row in rows}
    return found


def read_rewordings(use: str) -> dict[str, str]:
    """Id of a question -> the same question in other words, of those for `tune` or `report`."""
    rows = [line.split("\t") for line in REWORDINGS.read_text("utf-8").splitlines()]
    return {number: text for kind, number, text in rows if use in ("", kind)}


def in_other_signs(question: str) -> str:
    """The same words, as another keyboard writes them."""
    wide = question.rstrip("?？ ").upper().replace(",", "，")
    return f"  {wide} ？"


def measure(rewordings: dict[str, str], settings: Settings) -> dict[str, float]:
    """How many planted leaks are found, and the share of harmless questions that are refused."""
    questions = read_questions()
    written = read_rewordings("")
    others = [number for number in questions if number not in written]
    random.Random(7).shuffle(others)
    exact = others[:EXACT]
    fillers = others[EXACT : MEASURED - len(rewordings)]
    harmless = others[MEASURED : MEASURED + HARMLESS]
    measured = {questions[number]: number for number in (*rewordings, *exact, *fillers)}
    found = find_leaks([in_other_signs(questions[one]) for one in exact], measured, settings)
    same = sum(
        leak is not None and leak.where == one for one, leak in zip(exact, found, strict=True)
    )
    found = find_leaks(list(rewordings.values()), measured, settings)
    pairs = zip(rewordings, found, strict=True)
    reworded = sum(leak is not None and leak.where == one for one, leak in pairs)
    alarms = find_leaks([questions[one] for one in harmless], measured, settings)
    false_alarms = [leak for leak in alarms if leak is not None]
    for one, leak in zip(rewordings, found, strict=True):
        if leak is None:
            print("missed:", questions[one], "|", rewordings[one])
    for one, leak in zip(harmless, alarms, strict=True):
        if leak is not None:
            print("false alarm:", questions[one], "|", leak.question)
    return {
        "measured": len(measured),
        "exact": same,
        "reworded": reworded,
        "planted": len(rewordings),
        "harmless": len(harmless),
        "false_alarms": len(false_alarms) / len(harmless),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="on the rewordings for the threshold")
    chosen = parser.parse_args()
    rewordings = read_rewordings("tune" if chosen.tune else "report")
    print(json.dumps(measure(rewordings, load_settings())))


if __name__ == "__main__":
    main()
