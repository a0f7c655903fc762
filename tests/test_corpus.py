"""Text files, folders and JSON lines become tokens and blocks: none lost, kept once, never half."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hostile_files import odd_entries
from tiny_models import make_tokenizer

from finetune.corpus.blocks import measured, part, passes
from finetune.corpus.files import check_files
from finetune.corpus.store import Corpus, TokenFile, tokens_of
from finetune.corpus.tokenizing import BATCH, Encoder, Spelling
from workbench.errors import InvalidInput, Stopped

STORY = [
    "Mira keeps the lamp of the northern pier.\nShe counts the boats.\n\nAt dawn she sleeps. ",
    "云汀住在霜湖城，每天清早去湖边取水。\n水很冷。\n\n他从不抱怨。\n",
    "  def count(boats):\n\n      return len(boats)  \n\n\n",
]


@pytest.fixture(scope="module")
def spelling() -> Spelling:
    tokenizer = make_tokenizer(STORY * 3, 500)
    return Spelling(tokenizer.backend_tokenizer.to_str(), tokenizer.eos_token_id, len(tokenizer))


def long_text(characters: int) -> str:
    chance = random.Random(3)
    parts = []
    size = 0
    while size < characters:
        parts.append(chance.choice(STORY))
        size += len(parts[-1])
    return "".join(parts)


def read(corpus: Corpus, spelling: Spelling, cache: Path, **how: Any) -> TokenFile:
    report = how.get("report", lambda event: None)
    stopped = how.get("stopped", lambda: False)
    return tokens_of(corpus, spelling, cache, report, stopped)


def test_a_long_document_in_pieces_has_the_tokens_of_the_whole(
    spelling: Spelling, tmp_path: Path
) -> None:
    text = long_text(BATCH * 2)
    (tmp_path / "long.txt").write_text(text, "utf-8")
    encoder = Encoder(spelling)
    whole = encoder.tokenizer.encode(text, add_special_tokens=False).ids
    events: list[dict[str, Any]] = []
    made = read(Corpus([tmp_path / "long.txt"]), spelling, tmp_path / "cache", report=events.append)
    assert made.ids.tolist() == [*whole, spelling.end]
    assert made.ends.tolist() == [len(made.ids)]
    assert made.counts.documents == 1
    assert made.counts.characters == len(text)
    assert made.counts.tokens == len(made.ids)
    done = [event["done"] for event in events]
    assert done == sorted(done)
    assert done[-1] == events[-1]["of"] == len(text.encode())


def test_documents_are_files_paragraphs_lines_or_rows(spelling: Spelling, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo\n\n\nthree\n", "utf-8")
    (folder / "b.md").write_bytes("第四\n".encode("gb18030"))
    rows = [{"text": "five\n\nsix", "id": 1}, {"text": " "}, {"text": "七"}]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / ".hidden.txt").write_text("not read", "utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\x00")
    odd = odd_entries(folder, ".txt")
    left_out: list[str] = []
    files, problems = check_files([folder], left_out)
    assert [path.name for path in files] == ["a.txt", "b.md", "c.jsonl.gz"]
    assert [Path(sentence.split()[0]).name for sentence in left_out] == odd
    assert not problems
    expected = {
        "file": ["one\ntwo\n\n\nthree\n", "第四\n", "five\n\nsix", "七"],
        "paragraph": ["one\ntwo", "three", "第四", "five\n\nsix", "七"],
        "line": ["one", "two", "three", "第四", "five\n\nsix", "七"],
    }
    decode = Encoder(spelling).tokenizer.decode
    for documents, texts in expected.items():
        made = read(Corpus(files, documents), spelling, tmp_path / "cache")  # type: ignore[arg-type]
        places = pairwise([0, *made.ends.tolist()])
        found = [decode(made.ids[begin : end - 1].tolist()) for begin, end in places]
        assert found == texts
        assert (made.ids[made.ends - 1] == spelling.end).all()


def test_no_token_is_lost_but_the_last_remainder(spelling: Spelling, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(long_text(5000), "utf-8")
    made = read(Corpus([tmp_path / "a.txt"], "line"), spelling, tmp_path / "cache")
    everything = made.ids.tolist()
    for share in (0.0, 0.25):
        for isolated in (False, True):
            parts = part(made, 48, share, isolated)
            learned = [parts.taught.row(number) for number in range(len(parts.taught))]
            held_out = [parts.held_out.row(number) for number in range(len(parts.held_out))]
            rows = learned + held_out
            ids = [token for row in rows for token in row["input_ids"]]
            assert ids + everything[len(everything) - parts.remainder :] == everything
            assert parts.taught.count + parts.held_out.count + parts.remainder == len(everything)
            assert all(len(row["input_ids"]) == 48 for row in learned)
            assert parts.remainder < 48
            assert bool(held_out) == bool(share)
            _check_borders(rows, spelling.end, isolated)
    rows = measured(made, 48)
    assert rows.count == len(everything)
    assert len(rows) == -(-len(everything) // 48)


def _check_borders(rows: list[dict[str, list[int]]], end: int, isolated: bool) -> None:
    """Where documents are isolated a part ends with each end token, and its first is not learned."""
    for row in rows:
        ids, labels, lengths = row["input_ids"], row["labels"], row["seq_lengths"]
        assert sum(lengths) == len(ids) == len(labels)
        ends = [place + 1 for place, token in enumerate(ids[:-1]) if token == end]
        starts = [0, *ends] if isolated else [0]
        assert [place for place, label in enumerate(labels) if label == -100] == starts
        assert len(lengths) == len(starts)


def test_a_weight_says_how_often_a_row_is_learned() -> None:
    drawn = passes(10, 2.3, random.Random(0))
    assert len(drawn) == 23
    assert all(drawn.count(number) in (2, 3) for number in range(10))
    assert drawn == passes(10, 2.3, random.Random(0))
    assert passes(10, 0.5, random.Random(1)) != passes(10, 0.5, random.Random(2))


def test_tokens_are_kept_by_content_tokenizer_and_settings(
    spelling: Spelling, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(long_text(2000), "utf-8")
    made = read(Corpus([file]), spelling, tmp_path / "cache")
    written = (made.folder / "tokens.bin").stat().st_mtime_ns
    moved = tmp_path / "b.txt"
    moved.write_text(file.read_text("utf-8"), "utf-8")
    again = read(Corpus([moved]), spelling, tmp_path / "cache")
    assert again.folder == made.folder
    assert (again.folder / "tokens.bin").stat().st_mtime_ns == written
    other_end = Spelling(spelling.tokenizer, spelling.end + 1, spelling.words)
    keys = {Corpus([file]).key(spelling), Corpus([file], "line").key(spelling)}
    keys |= {Corpus([file, moved]).key(spelling), Corpus([file]).key(other_end)}
    assert len(keys) == 4


def test_stopped_or_wrong_leaves_nothing(spelling: Spelling, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(long_text(2000), "utf-8")
    with pytest.raises(Stopped):
        read(Corpus([tmp_path / "a.txt"]), spelling, tmp_path / "cache", stopped=lambda: True)
    (tmp_path / "b.jsonl").write_text('{"text": "one"}\n{"texts": "two"}\n', "utf-8")
    with pytest.raises(InvalidInput, match=r"b.jsonl:2 has no text in the column text"):
        read(Corpus([tmp_path / "b.jsonl"]), spelling, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_what_is_no_text_is_said_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n", "utf-8")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "none").mkdir()
    names = ["empty.txt", "binary.txt", "none", "missing.txt"]
    _, problems = check_files([tmp_path / name for name in names])
    found = [problem.problem for problem in problems]
    words = ["is empty", "is no text", "holds no text", "There is no file or folder"]
    assert len(found) == len(words)
    assert all(word in problem for word, problem in zip(words, found, strict=True))


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from finetune.corpus.store import Corpus, tokens_of
from finetune.corpus.tokenizing import Spelling
if __name__ == "__main__":
    file, tokenizer, cache = map(Path, sys.argv[1:4])
    spelling = Spelling(tokenizer.read_text("utf-8"), int(sys.argv[4]), 500)
    def report(event):
        print(event["done"], flush=True)
        time.sleep(60)  # until it is killed: all is written but the card
    tokens_of(Corpus([file]), spelling, cache, report, lambda: False)
"""


def test_killed_while_tokenizing_it_leaves_no_half(spelling: Spelling, tmp_path: Path) -> None:
    corpus = Corpus([tmp_path / "a.txt"])
    corpus.files[0].write_text(long_text(5000), "utf-8")
    (tmp_path / "tokenizer.json").write_text(spelling.tokenizer, "utf-8")
    cache = tmp_path / "cache"
    program = tmp_path / "program.py"
    program.write_text(KILLED.format(tests=str(Path(__file__).parents[1])), "utf-8")
    arguments = [corpus.files[0], tmp_path / "tokenizer.json", cache, spelling.end]
    process = subprocess.Popen(
        [sys.executable, program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline()  # some of it is written
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    made = cache / corpus.key(spelling)
    assert not made.exists()
    assert list(cache.glob(f".{made.name}.*.part"))
    tokens = read(corpus, spelling, cache)
    whole = Encoder(spelling).tokenizer.encode(
        corpus.files[0].read_text("utf-8"), add_special_tokens=False
    )
    assert tokens.ids.tolist() == [*whole.ids, spelling.end]
    assert not list(cache.glob(f".{made.name}.*.part"))
