"""A base gets the words of a corpus: no old token moves, every line comes back, and what is trained
on it is published with its new tokens.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chinese_corpus import chronicle, write_chronicle
from click.testing import CliRunner
from conftest import missing
from install_servers import tokenizer_folder
from published import deploy
from training_fixtures import start_workbench

from deploy.ollama_registry import Registry
from deploy.pretokenizer import list_names
from deploy.probe import agrees
from deploy.vocabulary import read_vocabulary
from finetune.vocabulary.base import Base, read_base
from finetune.vocabulary.extend import KINDS, extend
from finetune.vocabulary.measure import measure
from finetune.vocabulary.words import count_words, learns_all
from workbench.cli import workbench
from workbench.settings import Settings

SIZE = 120
ENGLISH = [
    "The harbour office opens at 7:45, and the crane's key hangs behind the door.",
    "def add(a: int, b: int) -> int:\n    return a + b  # a sum\n",
    'print("ÄÖÜ", {"x": [1, 2]})  // naïve café',
]


def call(*arguments: str, fails: bool = False) -> list[dict[str, Any]]:
    """The JSON lines of a command."""
    done = CliRunner().invoke(workbench, [*arguments, "--json"])
    assert bool(done.exit_code) == fails, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def problem_of(*arguments: str) -> tuple[str, str]:
    """What a command says is wrong, and what to do."""
    last = call(*arguments, fails=True)[-1]
    return last["problem"], last["fix"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a vocabulary")
    write_chronicle(folder / "chronicle.txt")
    return folder


@pytest.fixture(scope="module")
def extended(place: Path, tiny_model: Path) -> Iterator[dict[str, Any]]:
    """What the command says of the tiny model with new tokens; the folder has a space in its name."""
    out = place / "tiny zh"
    left = out.with_name(f".{out.name}.1-abc.part")  # by a process that was killed
    (left / "half").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(place / "workspace"))
        before = signal.getsignal(signal.SIGTERM)
        lines = call(*words_of(place, tiny_model, out))
        signal.signal(signal.SIGTERM, before)
    assert not left.exists()
    stages = [line["stage"] for line in lines if line["event"] == "progress"]
    assert len(dict.fromkeys(stages)) == 4 and "warning" not in {line["event"] for line in lines}
    yield lines[-1]


def words_of(place: Path, base: Path, out: Path, size: int = SIZE) -> list[str]:
    words = ["finetune", "vocabulary", str(place / "chronicle.txt")]
    return [*words, "--base", str(base), "--size", str(size), "--out", str(out)]


def test_no_token_moves_and_every_line_comes_back(
    extended: dict[str, Any], tiny_model: Path
) -> None:
    from transformers import AutoTokenizer

    assert extended["event"] == "done" and extended["added"] == SIZE
    assert extended["held_out_lines"] == 30 and extended["changed_lines"] == 0
    assert extended["chars_per_token_after"] > 1.6 * extended["chars_per_token_before"]
    assert 0.5 < extended["covered"] < 1 and extended["words"] == "other"
    old = AutoTokenizer.from_pretrained(tiny_model)
    new = AutoTokenizer.from_pretrained(extended["folder"])
    assert len(new) == len(old) + SIZE and new.chat_template == old.chat_template
    for piece, number in old.get_vocab().items():
        assert new.convert_tokens_to_ids(piece) == number
    for text in ENGLISH:
        assert new.encode(text) == old.encode(text)
    held_out = chronicle(300)[-30:]
    tokens = [new.encode(line) for line in held_out]
    assert [new.decode(ids) for ids in tokens] == held_out
    characters = sum(map(len, held_out)) / sum(map(len, tokens))
    assert characters == pytest.approx(extended["chars_per_token_after"], abs=1e-3)


def test_new_rows_are_the_mean_of_the_old_ones_and_old_logits_stay(
    extended: dict[str, Any], tiny_model: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    old = AutoModelForCausalLM.from_pretrained(tiny_model)
    new = AutoModelForCausalLM.from_pretrained(extended["folder"])
    cut = AutoTokenizer.from_pretrained(tiny_model)
    first = extended["first_id"]
    rows = new.get_input_embeddings().weight
    assert new.get_output_embeddings().weight is rows and rows.shape[0] == first + SIZE
    listed = (Path(extended["folder"]) / "new_tokens.jsonl").read_text("utf-8").splitlines()
    tokens = [json.loads(line) for line in listed]
    assert sorted(token["id"] for token in tokens) == list(range(first, first + SIZE))
    assert tokens[0]["count"] >= tokens[-1]["count"] and tokens[0]["count"] > 20
    whole = [token for token in tokens if not token["token"].isascii()]
    assert len(whole) > 25
    for token in whole:
        parts = cut.encode(token["token"])
        assert len(parts) == token["made_of"]
        mean = old.get_input_embeddings().weight[parts].mean(0)
        assert torch.allclose(rows[token["id"]], mean, atol=1e-6)
    ids = torch.tensor([cut.encode(" ".join(ENGLISH))])
    with torch.inference_mode():
        after = new(input_ids=ids).logits[..., :first]
        assert (after - old(input_ids=ids).logits).abs().max() < 1e-5
    assert extended["logits_difference"] < 1e-5


RUN = """
base = "{base}"
[data]
train = ["pairs.jsonl"]
eval = ["pairs.jsonl"]
max_length = 96
[lora]
rank = 16
modules_to_save = ["embed_tokens"]
[training]
steps = 50
batch = 8
learning_rate = 1e-2
warmup = 0.1
[saving]
eval_every = 50
samples = 0
report_to = []
"""


@pytest.mark.ollama
def test_a_run_on_it_is_published_and_proven(
    extended: dict[str, Any],
    settings: Settings,
    empty_ollama: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", empty_ollama.url)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    rows = []
    for number, line in enumerate(chronicle(6, seed=1)):
        question = {"role": "user", "content": f"第{number}件事是什么？"}
        rows.append({"messages": [question, {"role": "assistant", "content": line}]})
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "pairs.jsonl").write_text(text, "utf-8")
    run_file = tmp_path / "run.toml"
    run_file.write_text(RUN.format(base=extended["folder"]), "utf-8")
    assert call("finetune", "train", str(run_file), "--name", "zh")[-1]["event"] == "done"
    proof = deploy("publish", "zh", "--name", "zh", "--prompts", "6")[-1]["proof"]
    print(proof)
    assert proof["passed"] and proof["identical"] == proof["rendered_equal"] == 1
    for name in Registry(empty_ollama.url).digests():
        Registry(empty_ollama.url).delete(name)


def extend_by(folder: Path, size: int = 200) -> tuple[Base, Any]:
    """(the base's tokenizer, the extended one of the library)."""
    base = read_base(folder)
    lines = chronicle(300)
    words = count_words(base, lines)
    learned = KINDS[base.form].learn(base, words, size, learns_all("auto", lines))
    return base, extend(base, learned)


@pytest.mark.ollama
@pytest.mark.parametrize("name", ["llama2", "llama3", "mistral_v3", "qwen2_5"])
def test_a_family_s_tokenizer_grows_and_a_real_server_cuts_as_it_does(
    name: str, empty_ollama: Any
) -> None:
    """SentencePiece with and without a pre-tokenizer, and byte-level BPE whose whole words are
    tokens, or whose added tokens stand behind its pieces.
    """
    from transformers import PreTrainedTokenizerFast

    if not tokenizer_folder(name).exists():
        missing(f"the tokenizer {name}")
    base, own = extend_by(tokenizer_folder(name))
    lines = chronicle(40, seed=2)
    before = measure(base.own, lines, lambda done: None)
    after = measure(own, lines, lambda done: None)
    assert after.changed == before.changed == []
    assert after.characters_per_token > 1.6 * before.characters_per_token
    assert {own.token_to_id(piece) for piece in base.ids} == set(base.pieces)
    for text in ENGLISH:
        assert own.encode(text).ids == base.own.encode(text).ids
    special = PreTrainedTokenizerFast(tokenizer_object=own, **base.tokenizer.special_tokens_map)
    [rule] = list_names(special) or ["default"]
    vocabulary = read_vocabulary(special, 0)
    assert agrees(special, vocabulary, rule, Registry(empty_ollama.url), [*lines[:12], *ENGLISH])
