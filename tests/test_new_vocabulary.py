"""A base gets the words of a corpus: no old token moves, every line comes back, and what is trained
on it is published with its new tokens.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chinese_corpus import chronicle, write_chronicle
from click.testing import CliRunner
from conftest import missing
from install_servers import tokenizer_folder
from opened_pages import drawn, page
from published import deploy
from sentencepiece_base import KNOWN, make_sentencepiece_base
from streamlit.testing.v1 import AppTest
from training_fixtures import start_workbench

from deploy.conversations import OWN, alternating
from deploy.ollama_registry import Registry
from deploy.pretokenizer import list_names
from deploy.probe import agrees
from deploy.vocabulary import read_vocabulary
from finetune.vocabulary.base import Base, read_base
from finetune.vocabulary.extend import KINDS, extend
from finetune.vocabulary.measure import measure
from finetune.vocabulary.words import count_words, learns_all
from workbench.cli import workbench
from workbench.jobs.job import list_jobs
from workbench.settings import Settings

__all__ = ["page"]

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
task = "pretrain"
base = "{base}"
[data]
train = ["talks.jsonl"]
max_length = 512
[pretrain]
isolated = true
[lora]
rank = 16
modules_to_save = ["embed_tokens"]
[training]
steps = 100
batch = 1
learning_rate = 1e-2
warmup = 0.1
[saving]
eval_every = 100
samples = 0
report_to = []
"""


def talks_as_text(base: Path) -> list[str]:
    """What a proof asks by itself, with answers out of the corpus, as the base's template has it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    texts = []
    for asked, line in zip(OWN, chronicle(len(OWN), seed=1), strict=True):
        turns = [*alternating(asked), {"role": "assistant", "content": line}]
        texts.append(tokenizer.apply_chat_template(turns, tokenize=False))
    return texts


@pytest.mark.ollama
def test_a_pre_trained_run_on_it_is_published_and_proven(
    extended: dict[str, Any],
    tiny_model: Path,
    settings: Settings,
    empty_ollama: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", empty_ollama.url)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    with (tmp_path / "talks.jsonl").open("w", encoding="utf-8") as file:
        for text in 8 * talks_as_text(tiny_model):
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    run_file = tmp_path / "run.toml"
    run_file.write_text(RUN.format(base=extended["folder"]), "utf-8")
    trained = call("finetune", "train", str(run_file), "--name", "zh")
    assert trained[-1]["event"] == "done"
    print([line["loss"] for line in trained if "loss" in line][-3:])
    proof = deploy("publish", "zh", "--name", "zh", "--prompts", "4")[-1]["proof"]
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
@pytest.mark.parametrize("name", ["llama2", "llama3", "mistral_v3"])
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


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_sentencepiece_file_grows_with_the_tokenizer(
    kind: str, place: Path, settings: Settings, tmp_path: Path
) -> None:
    """Whoever reads tokenizer.model gets the ids that transformers makes of tokenizer.json; the
    head has rows of its own, which begin as the mean as well.
    """
    import sentencepiece
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = make_sentencepiece_base(tmp_path / "base", kind)
    done = call(*words_of(place, base, tmp_path / "out"))[-1]
    assert done["added"] == SIZE and done["logits_difference"] < 1e-5
    assert done["changed_lines"] == 0
    if kind == "bpe":
        assert done["changed_lines_before"] == 0
        assert done["chars_per_token_after"] > 1.6 * done["chars_per_token_before"]
    else:  # it has no bytes: what it did not know before was lost, and comes back only now
        assert done["changed_lines_before"] == 300 and done["chars_per_token_after"] > 1.2
    old = AutoTokenizer.from_pretrained(base)
    new = AutoTokenizer.from_pretrained(tmp_path / "out")
    file = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "out/tokenizer.model"))
    assert len(file) == len(new) == len(old) + SIZE
    for line in [*chronicle(300)[-30:], *KNOWN]:
        assert file.encode(line) == new.encode(line, add_special_tokens=False)
    for line in KNOWN:
        assert new.encode(line) == old.encode(line)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    before = AutoModelForCausalLM.from_pretrained(base)
    first = json.loads((tmp_path / "out/new_tokens.jsonl").read_text("utf-8").splitlines()[0])
    parts = read_base(base).cut(first["piece"])
    for name in ("get_input_embeddings", "get_output_embeddings"):
        row = getattr(model, name)().weight[first["id"]]
        mean = getattr(before, name)().weight[parts].mean(0)
        assert (row - mean).abs().max() < 1e-6


def test_what_cannot_be_is_said_before_anything_is_written(
    extended: dict[str, Any], place: Path, settings: Settings, tmp_path: Path, tiny_model: Path
) -> None:
    out = tmp_path / "out"

    def refused(corpus: Path, *more: str, base: Path | str = tiny_model, to: Path = out) -> str:
        words = ["finetune", "vocabulary", str(corpus), "--base", str(base), "--out", str(to)]
        problem, fix = problem_of(*words, "--size", *(more or ("20",)))
        assert fix
        return problem

    corpus = place / "chronicle.txt"
    empty, blank, binary, single = (tmp_path / name for name in ("empty", "blank", "png", "single"))
    empty.touch()
    blank.write_text(" \n\n", "utf-8")
    binary.write_bytes(bytes(range(256)) * 8)
    single.write_text("云汀姑娘", "utf-8")
    assert "is empty" in refused(empty)
    assert "empty" in refused(blank) or "no line" in refused(blank)
    assert "no text" in refused(binary)
    assert "one line only" in refused(single)
    assert "no file or folder" in refused(tmp_path / "nowhere")
    assert "new tokens to offer, not 100000" in refused(corpus, "100000")
    assert "repeats nothing" in refused(single, "5", "--eval", str(corpus))
    assert "no folder" in refused(corpus, base=tmp_path / "nowhere")
    assert "config.json" in refused(corpus, base=tmp_path)
    assert "no packaged model" in refused(corpus, base="packaged:nothing")
    assert "lie in each other" in refused(corpus, to=tiny_model / "inside")
    assert "something else" in refused(corpus, "20", "--replace", to=tiny_model)
    assert "extended base already" in refused(corpus, to=Path(extended["folder"]))
    assert "is a file" in refused(corpus, to=corpus)
    assert "WordPiece, which cannot be extended" in refused(corpus, base=word_piece(tmp_path))
    assert not out.exists() and not list(tmp_path.glob(".*.part"))


def word_piece(folder: Path) -> Path:
    """A base whose tokenizer is BERT's kind."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    base = folder / "bert"
    PreTrainedTokenizerFast(tokenizer_object=own, unk_token="[UNK]").save_pretrained(base)
    (base / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    return base


def test_cancelled_it_leaves_nothing_and_replaced_only_its_own(
    extended: dict[str, Any], place: Path, settings: Settings, tmp_path: Path, tiny_model: Path
) -> None:
    out = tmp_path / "out"
    words = words_of(place, tiny_model, out)
    process = start_workbench(settings.home, *words, "--json")
    assert process.stdout
    for line in process.stdout:
        if "Checking every line" in line:
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read().splitlines()
    assert process.wait() == 143 and json.loads(rest[-1])["event"] == "cancelled"
    assert not out.exists() and not list(tmp_path.glob(".*.part"))


def test_the_page_starts_it_and_shows_what_came_of_it(
    extended: dict[str, Any], place: Path, settings: Settings, page: Callable[..., AppTest]
) -> None:
    settings.folder("models")
    folder = settings.home / "models" / "tiny-zh"
    folder.symlink_to(extended["folder"])
    app = page("finetune/ui/training.py")
    drawn(app.segmented_control(key="training_view").set_value("vocabulary").run())
    before, after = extended["chars_per_token_before"], extended["chars_per_token_after"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Characters a token"] == f"{before:.2f} → {after:.2f}"
    assert shown["Lines that come back exactly"] == "300 / 300"
    tokens = app.dataframe[0].value
    assert len(tokens) == SIZE and "，" in list(tokens["Token"])
    start = app.button(key="start_vocabulary")
    assert start.disabled
    drawn(app.text_input(key="corpus_path").set_value(str(place / "nowhere.txt")).run())
    drawn(app.button(key="start_vocabulary").click().run())
    assert "There is no file or folder" in app.error[0].value and not list_jobs(settings)
    corpus = place / "chronicle.txt"
    drawn(app.text_input(key="corpus_path").set_value(str(corpus)).run())
    app.number_input(key="vocabulary_size").set_value(50)
    drawn(app.button(key="start_vocabulary").click().run())
    [job] = list_jobs(settings)
    job.cancel(grace=0)
    out = settings.home / "models" / "tiny-zh-chronicle"
    assert job.command[:3] == ["finetune", "vocabulary", str(corpus)]
    assert job.command[job.command.index("--out") + 1] == str(out)
    assert job.command[job.command.index("--size") + 1] == "50"
    drawn(app.button(key="train_on_vocabulary").click().run())
    assert app.segmented_control(key="training_view").value == "new"
    assert app.selectbox(key="training_base").value == str(folder)
