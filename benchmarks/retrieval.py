"""Public question sets through `workbench rag evaluate` -> ours, each leg, RRF, fixed weights.

The sets lie in ../shared/data; nothing of ours is tuned on their questions. A set passes where
recall@1 of the fusion is at least that of the better leg less .002, and at least that of the best
fixed weight in hindsight less .01.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("xquad_en", "xquad_zh", "cmrc2018", "drcd", "crosslingual")
FIRST = {"xquad_en": 0.92}  # recall@1 that the set must reach besides


def files_of(name: str, folder: Path) -> list[str]:
    """Options of the command for one set."""
    if name == "crosslingual":
        return crosslingual_files(folder)
    source = DATA / f"retrieval_{name}"
    options = ["--passages", str(source / "passages.jsonl")]
    options += ["--queries", str(source / "queries.jsonl")]
    more = source / "distractors.jsonl"
    return [*options, "--distractors", str(more)] if more.exists() else options


def crosslingual_files(folder: Path) -> list[str]:
    """Chinese questions on English passages, paired in a file of our own."""
    pairs = (DATA / "retrieval_xquad_zh" / "crosslingual.jsonl").read_text("utf-8").splitlines()
    lines: list[str] = []
    for pair in map(json.loads, pairs):
        row = {"question": pair["question_zh"], "passage_id": pair["passage_id_en"]}
        lines.append(json.dumps(row))
    queries = folder / "crosslingual.jsonl"
    queries.write_text("\n".join(lines), "utf-8")
    passages = DATA / "retrieval_xquad_en" / "passages.jsonl"
    return ["--passages", str(passages), "--queries", str(queries)]


def run(name: str, limit: int | None, folder: Path) -> dict[str, Any]:
    """The command's own result, and the seconds it took."""
    command = [sys.executable, "-m", "workbench.cli", "rag", "evaluate", "--json"]
    command += files_of(name, folder)
    if limit:
        command += ["--limit", str(limit)]
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    result = json.loads(done.stdout.splitlines()[-1])
    if done.returncode:
        sys.exit(f"{name}: {result['problem']}")
    return result | {"set": name, "seconds": round(time.perf_counter() - started)}


def verdict(result: dict[str, Any]) -> bool:
    fused = result["fused"]["recall@1"]
    best = result["best_fixed"]["recall@1"]
    better = max(result["dense"]["recall@1"], result["lexical"]["recall@1"])
    if fused < better - 0.002:
        return False
    # no question can be made in a language that the collection does not have
    if result["set"] == "crosslingual":
        return True
    return fused >= best - 0.01 and fused >= FIRST.get(result["set"], 0)


def print_result(result: dict[str, Any], passed: bool) -> None:
    first = {leg: result[leg]["recall@1"] for leg in ("dense", "lexical", "rrf", "fused")}
    best = f"{result['best_fixed']['recall@1']:.3f} at {result['best_fixed']['weight']:.1f}"
    print(
        f"{result['set']:<13}{result['questions']:>6}{first['dense']:>8.3f}"
        f"{first['lexical']:>9.3f}{first['rrf']:>7.3f}{best:>14}{first['fused']:>7.3f}"
        f"{result['fused']['mrr@10']:>7.3f}{result['seconds']:>5}"
        f"  {'passed' if passed else 'FAILED'}  learned {result['calibrated']}"
    )
    sweep = [f"{row['weight']:.1f}:{row['recall@1']:.3f}" for row in result["sweep"]]
    print(f"  sweep {' '.join(sweep)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--limit", type=int, default=1000, help="questions of each set; 0 asks them all"
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit("The public sets are not beside this clone (../shared/data).")
    legs = f"{'dense':>8}{'lexical':>9}{'rrf':>7}{'best w':>14}{'ours':>7}"
    print(f"{'set':<13}{'n':>6}{legs}{'MRR':>7}{'s':>5}")
    passed: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            result = run(name, options.limit, Path(folder))
            passed.append(verdict(result))
            print_result(result, passed[-1])
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
