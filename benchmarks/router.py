"""Questions over the example assets -> how many the router sends where they belong, and what it
costs.

206 labelled questions of our own in two languages (`questions/router.tsv`), 180 that no asset holds
(`questions/nobody.tsv`), follow-ups, and questions that stand alone after another topic
(`questions/turns.tsv`). The floor is learned without the labels. While it was designed, the errors
in one half of the first two sets were looked at, split by a hash of the question; the other half
never was, and is reported by itself. The errors of `turns.tsv` were all looked at;
`turns_unseen.tsv`, 40 and 40 more, was written after the rules were fixed. `across.tsv` has
questions in the other language than the documents: they are asked of a workspace whose documents
are in one language only, and so are the questions for nobody. The baseline sends each question to
the agent whose best text has the highest cosine.
`.venv/bin/python benchmarks/router.py`
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from click.testing import CliRunner

from agents.courtesies import is_courtesy
from agents.data.evidence import find_tables, table_texts
from agents.databases.example import load_example
from agents.databases.introspect import load_schema
from agents.databases.sources import find_source
from agents.question import Question
from agents.router import route
from agents.tuned.evidence import find_trained
from rag.embeddings import load_embedder
from rag.example import EXAMPLE
from rag.ingest import ingest
from rag.store import open_collection
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Turn
from workbench.cli import workbench
from workbench.language import language_of
from workbench.settings import Settings, load_settings
from workbench.start.run import ROOT

QUESTIONS = Path(__file__).with_name("questions") / "router.tsv"
NOBODY = QUESTIONS.with_name("nobody.tsv")
ACROSS = QUESTIONS.with_name("across.tsv")
TURNS = ("turns.tsv", "turns_unseen.tsv")


def main() -> None:
    asked = [line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings(home=Path(name) / "workspace", model="none")
        make_assets(settings)
        embedder = load_embedder(settings.embedder, settings)
        nearest = cosine_router(settings)
        route(Question(asked[0][1], [], settings))
        wrong, baseline, costs = [], 0, []
        for mode, question in asked:
            begun = time.perf_counter()
            embedder.embed([question], "query")
            embedding = time.perf_counter() - begun
            begun = time.perf_counter()
            routed = route(Question(question, [], settings))
            costs.append(time.perf_counter() - begun - embedding)
            baseline += nearest(question) == mode
            if routed.mode != mode:
                wrong.append((mode, routed.mode, question, routed.shares))
        measure_nobody(settings)
        for turns in TURNS:
            measure_turns(QUESTIONS.with_name(turns), settings)
        for written in ("en", "zh"):
            measure_across(written, load_settings(home=Path(name) / written, model="none"))
    for mode, chosen, question, evidence in wrong:
        if not unseen(question):
            print(f"{mode} -> {chosen}: {question} {evidence}")
    right = len(asked) - len(wrong)
    half = [question for _, question in asked if unseen(question)]
    missed = sum(unseen(question) for _, _, question, _ in wrong)
    print(f"unseen half: {1 - missed / len(half):.3f} of {len(half)}")
    print(f"{len(asked)} questions {dict(Counter(mode for mode, _ in asked))}")
    print(
        f"right: ours {right / len(asked):.3f} (target .95), "
        f"highest cosine {baseline / len(asked):.3f}"
    )
    print(f"median {1000 * median(costs):.1f} ms beyond embedding the question (target 30)")


def unseen(question: str) -> bool:
    """Whether the question is of the half whose errors were never looked at."""
    return hashlib.sha256(question.encode()).digest()[-1] % 2 == 1


def measure_nobody(settings: Settings) -> None:
    """Greetings, sums, small talk, world knowledge, other languages: to nobody."""
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    listed = 0
    for line in NOBODY.read_text("utf-8").splitlines():
        kind, question = line.split("\t")
        chosen = route(Question(question, [], settings))
        listed += is_courtesy(question)
        groups = [kind, "all", "unseen half" if unseen(question) else "seen half"]
        asked.update(groups)
        if chosen.mode == "none":
            right.update(groups)
    print(f"nobody: {listed} stand on the list of courtesies, the others are weighed")
    for group, count in asked.items():
        print(f"nobody, {group}: {right[group]} of {count} right, {right[group] / count:.3f}")


def measure_across(written: str, settings: Settings) -> None:
    """Questions in the other language than all documents: to the documents, or to nobody."""
    chinese = written == "zh"
    files = [file for file in EXAMPLE.iterdir() if file.name.isascii() != chinese]
    make_assets(settings, files)
    asked, found = 0, 0
    for line in ACROSS.read_text("utf-8").splitlines():
        language, question = line.split("\t")
        if language == written:
            asked += 1
            found += route(Question(question, [], settings)).mode == "documents"
    print(f"documents in {written} alone, asked in the other language: {found} of {asked} right")
    rejected = Counter[str]()
    for line in NOBODY.read_text("utf-8").splitlines():
        _, question = line.split("\t")
        other = language_of(question) != written
        rejected[f"of {other}"] += 1
        rejected[f"right {other}"] += route(Question(question, [], settings)).mode == "none"
    for other, named in ((True, "the other"), (False, "the same")):
        right, of = rejected[f"right {other}"], rejected[f"of {other}"]
        print(f"  nobody, asked in {named} language: {right} of {of} right")


def measure_turns(path: Path, settings: Settings) -> None:
    """Follow-ups in a chat, and questions that stand alone after another topic."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for line in path.read_text("utf-8").splitlines():
        kind, first_mode, first, second, expected = line.split("\t")
        turns = [Turn("user", first), Turn("assistant", "…", first_mode)]
        chosen = route(Question(second, turns, settings)).mode
        asked[kind] += 1
        right[kind] += chosen == expected
        if chosen != expected:
            print(f"{kind}: {expected} -> {chosen}: {second}")
    for kind, count in asked.items():
        share = right[kind] / count
        print(f"{path.stem}, {kind}: {right[kind]} of {count} right, {share:.3f} (target .95)")


def make_assets(settings: Settings, documents: Sequence[Path] = (EXAMPLE,)) -> None:
    """The documents, the example database, and the training questions of the example crew as a run
    has them.
    """
    ingest(documents, "handbook", settings)
    load_example(settings)
    run = settings.folder("runs", "crew")
    (run / "adapter").mkdir()
    (run / "adapter" / "adapter_config.json").write_text("{}")
    lines = []
    for language in ("en", "zh"):
        out = run / f"{language}.jsonl"
        records = ROOT / "examples" / "crew" / f"crew_{language}.csv"
        done = CliRunner().invoke(
            workbench, ["finetune", "augment", str(records), "--out", str(out), "--per-fact", "12"]
        )
        assert done.exit_code == 0, done.output
        lines.append(out.read_text("utf-8"))
    (run / "data").mkdir()
    (run / "data" / "train.jsonl").write_text("".join(lines), "utf-8")
    RunFolder(run).update_card(finished="2026-01-02", eval_loss=0.1)


def cosine_router(settings: Settings):  # type: ignore[no-untyped-def]
    """The usual way: the question goes where the nearest vector lies."""
    embedder = load_embedder(settings.embedder, settings)
    trained = find_trained(settings)
    tables = find_tables(settings)
    assert trained and tables
    schema = load_schema(find_source(settings, tables.source), settings)
    passages = open_collection(settings, "handbook").passages()
    texts = {
        "documents": [passage.text for passage in passages],
        "tuned": list(trained.questions),
        "data": list(table_texts(schema).values()),
    }
    vectors = {mode: embedder.embed(found) for mode, found in texts.items()}

    def choose(question: str) -> str:
        vector = embedder.embed([question], "query")[0]
        return max(vectors, key=lambda mode: float((vectors[mode] @ vector).max()))

    return choose


if __name__ == "__main__":
    main()
