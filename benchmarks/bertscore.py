"""Every row about the crew scored into a table, and BERTScore against its own library.

The crew of the demo is trained where --home has none. Its scoring is killed half-way and taken up
again; no question is asked twice. Then pairs, half of them with the reference of another row, are
compared in batches by us, and row by row and in one batch by the library.

    .venv/bin/python benchmarks/bertscore.py [--home FOLDER] [--pairs 50]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
CREW = ROOT / "examples" / "crew"
METRICS = "exact,contains,numbers,bertscore,rouge,perplexity"
WANTED = 0.978  # of the rows have an F1 of .6 or more


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--home", type=Path)
    options.add_argument("--pairs", type=int, default=50)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (chosen.home or Path(folder)).absolute()
        if not (home / "runs" / "crew" / "card.json").exists():
            teach(home)
        table = Path(folder) / "crew.csv"
        found = score_all(home, table)
        print(json.dumps(found))
        print(json.dumps(compare(table, home, chosen.pairs)))


def teach(home: Path) -> None:
    """As `workbench demo` does it."""
    place = home / "demo"
    place.mkdir(parents=True)
    rows = []
    for language in ("zh", "en"):
        rows.append(place / f"crew_{language}.jsonl")
        ask = ["augment", CREW / f"crew_{language}.csv", "--out", rows[-1], "--per-fact", 12]
        finetune(home, *ask)
    split = ["data", "split", *rows, "--out", place, "--share", 1 / 6]
    finetune(home, *split, "--hold-out", "paraphrases")
    finetune(home, "make-base", place / "base", *rows)
    shutil.copyfile(CREW / "crew.toml", place / "crew.toml")
    finetune(home, "train", place / "crew.toml")


def score_all(home: Path, table: Path) -> dict[str, object]:
    """Killed once some answers are kept, then taken up again."""
    shutil.rmtree(home / "answers", ignore_errors=True)
    data = []
    for name in ("train", "eval"):
        data += ["--data", home / "demo" / f"{name}.jsonl"]
    ask = ["score", "crew", *data, "--metrics", METRICS, "--csv", table, "--batch", 16]
    killed = subprocess.Popen(command(*ask), env=environment(home), stdout=subprocess.DEVNULL)
    while killed.poll() is None and len(answered(home)) < 64:
        time.sleep(0.05)
    killed.send_signal(signal.SIGTERM)
    status = killed.wait()
    before = answered(home)
    assert before and not table.exists(), "the scoring was over before it could be killed"
    result = finetune(home, *ask)
    after = answered(home)
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    high = sum(float(row["F1"]) >= 0.6 for row in rows) / len(rows)
    assert len(rows) == result["rows"] == len(after) == len(set(after))
    assert high >= WANTED, high
    return {
        "killed_with_status": 128 - status if status < 0 else status,
        "answers_before_the_kill": len(before),
        "rows": len(rows),
        "asked_twice": len(after) - len(set(after)),
        "share_F1_from_0.6": round(high, 4),
        **{key: result[key] for key in ("exact", "contains", "F1", "perplexity", "bertscore")},
    }


def compare(table: Path, home: Path, count: int) -> dict[str, object]:
    """The largest difference of P, R and F1 between us and the library."""
    from bert_score import BERTScorer

    from workbench.models.encoders import DEFAULT
    from workbench.scoring.bertscore import bertscore, find_encoder
    from workbench.settings import Settings

    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    step = max(1, len(rows) // count)
    spaced = rows[::step][:count]
    pairs = []
    for number, row in enumerate(spaced):
        other = spaced[number - 7] if number % 2 else row
        pairs.append((row["prediction"], other["reference"]))
    settings = Settings(home=home)
    encoder = find_encoder(DEFAULT, [reference for _, reference in pairs], settings)
    ours = bertscore(encoder, pairs)
    library = BERTScorer(model_type=str(encoder.folder), num_layers=encoder.layer, device="cpu")
    answers, references = ([pair[side] for pair in pairs] for side in (0, 1))
    figures = [figure.tolist() for figure in library.score(answers, references)]
    whole = list(zip(*figures, strict=True))
    alone = []
    for answer, reference in pairs:
        one = library.score([answer], [reference])
        alone.append(tuple(float(figure) for figure in one))
    return {
        "pairs": len(pairs),
        "F1_from": round(min(figures[2] for figures in ours), 4),
        "F1_to": round(max(figures[2] for figures in ours), 4),
        "largest_difference_to_row_by_row": largest(ours, alone),
        "largest_difference_to_one_batch": largest(ours, whole),
    }


def largest(ours: list, theirs: list) -> float:
    found = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        found = max(found, *(abs(a - b) for a, b in zip(mine, other, strict=True)))
    assert found <= 1e-4, found
    return found


def answered(home: Path) -> list[int]:
    """The rows whose answers are kept, in their order; one that comes twice was asked twice."""
    rows = []
    for file in (home / "answers").glob("*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            if '"answer"' in line:
                rows.append(json.loads(line)["row"])
    return rows


def finetune(home: Path, *words: object) -> dict:
    done = subprocess.run(command(*words), env=environment(home), stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def command(*words: object) -> list[str]:
    program = [sys.executable, "-m", "workbench.cli", "finetune"]
    return [*program, *(str(word) for word in words), "--json"]


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"WORKBENCH_HOME": str(home)}


if __name__ == "__main__":
    main()
