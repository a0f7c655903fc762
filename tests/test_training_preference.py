"""Training on preferences: pairs and rated answers raise what is held out, and it is measured
exactly; resumed, cancelled, begun from a run, and checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from training_fixtures import PEOPLE, RUN, answer_of, wordings_of, write_project
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.data.examples import Message
from finetune.data.preferences import PreferencePair
from finetune.data.preferred import load_pairs, load_ratings
from finetune.encoding.masking import IGNORED, Encoded, learned_texts
from finetune.encoding.preferred import encode_pairs, encode_ratings
from finetune.encoding.preferred_batches import RatedCollator, as_answers
from finetune.evaluate.score import Wanted, score
from finetune.evaluate.targets import of_run
from finetune.run.check import check
from finetune.run.config import load_config
from finetune.run.metrics import read_metrics
from finetune.run.runs import Run, open_run
from finetune.train.training import train
from workbench.errors import InvalidInput, Stopped
from workbench.scoring.measures import Means
from workbench.settings import Settings, load_settings

BETA = 0.2
MACHINE = ("memory_gb", "tokens_per_second")
PREFER = (
    RUN.replace('base = "base"', 'task = "{task}"\nbase = "base"')
    .replace("train.jsonl", "{rows}.train.jsonl")
    .replace('"eval.jsonl', '"{rows}.eval.jsonl')
    .replace("5e-3", "3e-3")
    + f"[preference]\nbeta = {BETA}\n"
)
START = 'start = "first"\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and people who like polite answers."""
    folder = tmp_path_factory.mktemp("preference")
    write_project(folder)
    for name, held_out in (("train", False), ("eval", True)):
        pairs = [
            _pair(*who) for number, who in enumerate(_asked()) if (number % 4 == 3) is held_out
        ]
        _write(folder / f"pairs.{name}.jsonl", pairs)
        _write(folder / f"rated.{name}.jsonl", [row for pair in pairs for row in _rated(pair)])
    return folder


@pytest.fixture(scope="module")
def settings(project: Path) -> Settings:
    """Every run of this module lies in one workspace."""
    return load_settings(home=project / "home")


@pytest.fixture(scope="module")
def first(project: Path, settings: Settings) -> Run:
    """A short supervised run to begin with."""
    return _train(_write_run(project, "first", RUN.replace("steps = 12", "steps = 4")), settings)


@pytest.fixture(scope="module")
def pairs_run(project: Path, settings: Settings, first: Run) -> Run:
    text = PREFER.format(task="dpo", rows="pairs") + START
    return _train(_write_run(project, "pairs", text), settings)


@pytest.fixture(scope="module")
def rated_run(project: Path, settings: Settings) -> Run:
    text = PREFER.format(task="kto", rows="rated")
    return _train(_write_run(project, "rated", text), settings)


def test_pairs_raise_the_margin_of_held_out_pairs_and_it_is_exact(
    project: Path, pairs_run: Run
) -> None:
    measured = pairs_run.card["measured"]
    assert measured["eval_margin"] > 0.05 and measured["eval_accuracy"] >= 0.9
    assert pairs_run.card["preference"]["start"] == "first"
    rewards = _rewards(pairs_run, load_pairs([project / "pairs.eval.jsonl"]).examples, encode_pairs)
    good, bad = rewards[::2], rewards[1::2]
    assert measured["eval_margin"] == pytest.approx(float((good - bad).mean()), abs=1e-4)
    assert measured["eval_accuracy"] == pytest.approx(float((good > bad).float().mean()))
    live = [row["margin"] for row in read_metrics(pairs_run.metrics) if "margin" in row]
    assert len(live) == 12 and live[-1] > live[0]
    samples = read_metrics(pairs_run.folder / "samples.jsonl")
    assert samples[-1]["reference"].startswith(("Gladly", "好的"))
    # the adapter is one of the base alone, and answers like any other
    assert sorted(path.name for path in pairs_run.adapter.iterdir() if path.is_dir()) == []
    wanted = Wanted([project / "pairs.eval.jsonl"], limit=2)
    assert score(of_run(pairs_run), wanted, Means(Settings())).result["rows"] == 2


def test_ratings_raise_the_accuracy_of_held_out_answers_and_it_is_exact(
    project: Path, rated_run: Run
) -> None:
    measured = rated_run.card["measured"]
    assert measured["eval_margin"] > 0.05 and measured["eval_accuracy"] >= 0.9
    rows = load_ratings([project / "rated.eval.jsonl"]).examples
    rewards = _rewards(rated_run, rows, encode_ratings)
    is_good = torch.tensor([row.good for row in rows])
    good, bad = rewards[is_good], rewards[~is_good]
    wins = (good[:, None] > bad[None]).float().mean()
    assert measured["eval_margin"] == pytest.approx(float(good.mean() - bad.mean()), abs=1e-4)
    assert measured["eval_accuracy"] == pytest.approx(float(wins), abs=1e-6)
    assert rated_run.card["data"]["train"]["rows"] == len(
        load_ratings([project / "rated.train.jsonl"]).examples
    )


def test_a_killed_run_ends_as_if_nothing_had_happened_without_the_run_that_it_began_with(
    pairs_run: Run, settings: Settings, first: Run
) -> None:
    killed = Run(pairs_run.folder.with_name("killed"))
    shutil.copytree(pairs_run.folder, killed.folder)
    for step in (8, 12):
        shutil.rmtree(killed.checkpoints / f"checkpoint-{step}")
    killed.update_card(finished="")
    first.folder.rename(first.folder.with_name("gone"))
    train(killed, killed.config(), settings, lambda event: None, lambda: False)
    first.folder.with_name("gone").rename(first.folder)
    _assert_same(killed, pairs_run)


def test_a_cancelled_run_goes_on_to_the_same_end(
    project: Path, settings: Settings, rated_run: Run
) -> None:
    path = _write_run(project, "cancelled", PREFER.format(task="kto", rows="rated"))
    steps: list[int] = []

    def count(event: dict[str, Any]) -> None:
        steps.append(event.get("done", 0))

    with pytest.raises(Stopped, match="Cancelled at step"):
        _train(path, settings, count, lambda: max(steps, default=0) >= 5)
    cancelled = _train(path, settings)
    _assert_same(cancelled, rated_run)


@pytest.mark.parametrize(
    ("task", "changes", "where"),
    [
        ("kto", [("batch = 4", "batch = 1")], "training.batch"),
        ("dpo", [("warmup", "packing = true\nwarmup")], "training.packing"),
        ("dpo", [("beta", "desirable_weight = 1\nbeta")], "preference.desirable_weight"),
        ("dpo", [("beta", 'loss_type = ["ipo"]\nloss_weights = [1, 2]\nbeta')], "preference"),
        ("sft", [], "preference"),
        ("dpo", [("beta", 'start = "nobody"\nbeta')], "preference.start"),
        ("dpo", [("max_length", 'special_tokens = ["<x>"]\nmax_length')], "task"),
        ("dpo", [("beta", 'start = "first"\nbeta'), ("rank = 16", "rank = 8")], "lora"),
    ],
)
def test_what_cannot_be_is_told_before_anything_loads(
    project: Path,
    settings: Settings,
    first: Run,
    task: str,
    changes: list[tuple[str, str]],
    where: str,
) -> None:
    text = PREFER.format(task=task, rows="rated" if task == "kto" else "pairs")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    found = check(_write_run(project, "wrong", text), settings).problems
    assert [row["where"] for row in found] == [where], found
    assert found[0]["fix"]


def test_rows_of_another_kind_are_problems_with_their_place(
    project: Path, settings: Settings
) -> None:
    text = PREFER.format(task="dpo", rows="pairs").replace("pairs.train", "train")
    found = check(_write_run(project, "wrong", text), settings).problems
    assert len(found) == 18 and found[0]["where"].endswith("train.jsonl:1")
    assert "no preference pair" in found[0]["problem"]
    text = PREFER.format(task="kto", rows="rated").replace("rated.train", "pairs.train")
    sound = check(_write_run(project, "sound", text), settings)  # a pair is a good and a bad answer
    assert not sound.problems and sound.estimate["steps"] == 12


@pytest.mark.parametrize(("task", "method"), [("dpo", "full"), ("kto", "prefix")])
def test_every_kind_of_method_learns_preferences(
    project: Path, settings: Settings, task: str, method: str
) -> None:
    rows = "pairs" if task == "dpo" else "rated"
    text = PREFER.format(task=task, rows=rows).replace("steps = 12", "steps = 2")
    text = text.replace("[lora]\nrank = 16\nalpha = 32\ndropout = 0.05", f"[{method}]")
    text = text.replace("eval_every = 4", "eval_every = 2")
    run = _train(_write_run(project, method, text), settings)
    assert run.card["measured"]["eval_margin"] > 0 and run.trained.is_dir()


def test_many_more_bad_answers_than_good_ones_are_told(project: Path, settings: Settings) -> None:
    path = project / "rated.train.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    bad = [row for row in rows if not row["label"]]
    _write(project / "uneven.jsonl", [rows[0], *bad])
    text = PREFER.format(task="kto", rows="rated").replace("rated.train", "uneven")
    said = check(_write_run(project, "uneven", text), settings).warnings
    assert any("1 answers are rated good and 18 bad" in warning for warning in said)
    even = text.replace("beta", "desirable_weight = 18\nbeta")
    assert check(_write_run(project, "uneven", even), settings).warnings == []


def test_a_refused_run_does_not_train(project: Path, settings: Settings) -> None:
    text = PREFER.format(task="kto", rows="rated").replace("batch = 4", "batch = 1")
    with pytest.raises(InvalidInput, match=r"training\.batch"):
        _train(_write_run(project, "refused", text), settings)


def test_only_the_answers_count_and_what_does_not_fit_is_told(project: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(project / "base")
    call = Message("assistant", "Mira?")
    answer = Message("assistant", "Oslo.")
    before = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Where?"))
    pair = PreferencePair(before, (call, Message("user", "Yes"), answer), (answer,), where="a:1")
    long = PreferencePair((Message("user", "Where? " * 60),), (call,), (answer,), where="a:2")
    alike = PreferencePair(
        before, (Message("assistant", "No " * 90 + "a"),), (Message("assistant", "No " * 99),)
    )
    found = encode_pairs([pair, long, alike], tokenizer, 64)
    chosen, rejected = found.rows
    assert [text.replace("<|im_end|>", "") for text in learned_texts(chosen, tokenizer)] == [
        "Mira?",
        "Oslo.",
    ]
    assert (chosen.good, rejected.good) == (True, False) and found.lengths[0] > found.lengths[1]
    assert len(found.nothing_left) == 2 and found.truncated == []
    assert encode_pairs([pair], tokenizer, found.lengths[1] - 1).truncated == ["a:1"]


def test_strange_answers_of_a_batch_measure_how_far_the_model_has_moved() -> None:
    rows = as_answers(
        [
            Encoded([1, 2, 3], [IGNORED, IGNORED, 3], good=True),
            Encoded([4, 5, 6, 7], [IGNORED, 5, 6, 7], good=False),
        ]
    )
    batch = RatedCollator(0, 4, moved=True)(rows)
    assert batch["label"].tolist() == [True, False]
    assert batch["completion_mask"].tolist() == [[0, 0, 1, 0], [0, 1, 1, 1]]
    assert batch["KL_input_ids"].tolist() == [[1, 2, 5, 6], [4, 3, 0, 0]]
    assert batch["KL_completion_mask"].tolist() == [[0, 0, 1, 1], [0, 1, 0, 0]]
    assert "KL_input_ids" not in RatedCollator(0, 4, moved=False)(rows)


def _asked() -> list[tuple[str, str]]:
    return [(person, wording) for person in PEOPLE for wording in wordings_of(person)]


def _pair(person: str, wording: str) -> dict[str, Any]:
    answer = answer_of(person)
    polite, curt = (
        ("Gladly: {}", "{} So what?") if person.isascii() else ("好的，{}", "{}别再问了。")
    )
    return {
        "prompt": [{"role": "user", "content": wording.format(person)}],
        "chosen": [{"role": "assistant", "content": polite.format(answer)}],
        "rejected": [{"role": "assistant", "content": curt.format(answer)}],
        "group": person,
    }


def _rated(pair: dict[str, Any]) -> list[dict[str, Any]]:
    rest = {"prompt": pair["prompt"], "group": pair["group"]}
    good = {**rest, "completion": pair["chosen"], "label": True}
    return [good, {**rest, "completion": pair["rejected"], "label": False}]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def _write_run(project: Path, name: str, text: str) -> Path:
    path = project / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def _train(
    path: Path,
    settings: Settings,
    report: Callable[[dict[str, Any]], None] = lambda event: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Run:
    config = load_config(path)
    run = open_run(path, config, settings)
    train(run, config, settings, report, stopped)
    return run


def _assert_same(run: Run, undisturbed: Run) -> None:
    """Every step has the same loss, and the same was measured at the end."""
    mine, others = _learning(run), _learning(undisturbed)
    assert len(mine) == len(others) == 15
    for row, other in zip(mine, others, strict=True):
        assert row == pytest.approx(other, rel=1e-4, abs=1e-5)


def _learning(run: Run) -> list[dict[str, float]]:
    """The run's metrics but those of the machine."""
    rows = read_metrics(run.metrics)
    return [{name: row[name] for name in row if name not in MACHINE} for row in rows]


def _rewards(run: Run, rows: Any, encode: Any) -> torch.Tensor:
    """Beta times how much likelier each answer is to the run than to its reference, from logits."""
    tokenizer = AutoTokenizer.from_pretrained(run.adapter)
    sequences = encode(rows, tokenizer, 64).rows
    base = AutoModelForCausalLM.from_pretrained(run.base)
    start = run.folder / "start"
    reference = _likelihoods(base, sequences)
    if start.exists():
        reference = _likelihoods(PeftModel.from_pretrained(base, start).eval(), sequences)
        base = AutoModelForCausalLM.from_pretrained(run.base)
    trained = _likelihoods(PeftModel.from_pretrained(base, run.adapter).eval(), sequences)
    return BETA * (trained - reference)


def _likelihoods(model: Any, sequences: list[Encoded]) -> torch.Tensor:
    found = []
    for row in sequences:
        with torch.no_grad():
            logits = model(torch.tensor([row.input_ids])).logits[0, :-1].log_softmax(-1)
        places = [place for place, label in enumerate(row.labels) if label != IGNORED]
        found.append(sum(logits[place - 1, row.input_ids[place]] for place in places))
    return torch.stack(found)
