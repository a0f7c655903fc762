"""A run trains, is scored, and its adapter answers the same in PEFT and in the chat."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from training_fixtures import RUN, answer_of, wordings_of, write_project

from finetune.run.config import load_config
from finetune.run.metrics import read_metrics, smooth
from finetune.run.runs import Run, check_base, open_run
from finetune.train.faults import maps_training_errors
from finetune.train.order import Order
from finetune.train.training import make_trainer, train
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable
from workbench.settings import Settings, load_settings

LEARN = (
    RUN.replace("steps = 12", "steps = 90")
    .replace("eval_every = 4", "eval_every = 45\nfinal = 'last'")
    .replace("dropout = 0.05", "")
    .replace("accumulation = 2", "")
    .replace("batch = 4", "batch = 9")
    .replace("max_length = 64", "max_length = 128\nsystem = 'Answer shortly.'")
    + "\n"
)


def quietly(event: dict[str, Any]) -> None:
    """Nobody listens."""


def never() -> bool:
    return False


def train_here(path: Path, home: Path, name: str = "") -> Run:
    settings = load_settings(home=home)
    config = load_config(path, name=name)
    run = open_run(path, config, settings)
    train(run, config, settings, quietly, never)
    return run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), LEARN)


@pytest.fixture(scope="module")
def learned(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that has learned its facts."""
    return train_here(project, tmp_path_factory.mktemp("home"))


@pytest.fixture
def at_home(learned: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`at_home("finetune", …)` runs a command on the workspace of the learned run."""
    monkeypatch.setenv("WORKBENCH_HOME", str(learned.folder.parents[1]))

    def invoke(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        done = CliRunner().invoke(workbench, [*arguments, "--json"])
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]

    return invoke


def test_the_run_folder_is_the_truth_about_the_run(learned: Run, project: Path) -> None:
    assert (learned.folder / "run.toml").read_bytes() == project.read_bytes()
    assert (learned.folder / "loss.png").read_bytes()[:4] == b"\x89PNG"
    rows = read_metrics(learned.metrics)
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 91))
    assert [row["step"] for row in rows if "eval_loss" in row] == [45, 90]
    card = learned.card
    assert card["finished"] and card["loss"] < 0.5 and card["system"] == "Answer shortly."
    assert (
        card["data_sha256"]
        == hashlib.sha256((learned.folder / "data" / "train.jsonl").read_bytes()).hexdigest()
    )
    adapter = json.loads((learned.adapter / "adapter_config.json").read_text("utf-8"))
    assert adapter["base_model_name_or_path"] == str(project.parent / "base")
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])


def test_score_counts_exact_answers_and_says_what_was_taught(
    at_home: Callable[..., Any], project: Path
) -> None:
    code, events = at_home(
        "finetune", "score", "run", "--data", str(project.parent / "train.jsonl")
    )
    assert (
        code == 0
        and events[-1]["rows"] == 18
        and events[-1]["exact"] == 1.0
        and events[-1]["overlap"] == 18
    )
    assert any("memorised" in event.get("text", "") for event in events)
    code, events = at_home(
        "finetune", "score", "run", "--data", str(project.parent / "train.jsonl"), "--base"
    )
    assert code == 0, events[-1]
    assert events[-1]["exact"] == 0.0
    code, events = at_home("finetune", "runs")
    assert events[0]["scores"]["train.jsonl"]["exact"] == 1.0 and events[0]["run"] == "run"


def test_options_are_scored_by_their_letters(at_home: Callable[..., Any], tmp_path: Path) -> None:
    rows = [
        {
            "question": f"Number {n}?",
            "A": "one",
            "B": "two",
            "C": "three",
            "D": "four",
            "answer": "ABCD"[n % 4],
        }
        for n in range(8)
    ]
    path = tmp_path / "options.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    code, events = at_home(
        "finetune", "score", "run", "--data", str(path), "--out", str(tmp_path / "said.jsonl")
    )
    assert code == 0 and 0 <= events[-1]["accuracy"] <= 1
    said = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text("utf-8").splitlines()]
    assert len(said) == 8 and {row["letter"] for row in said} <= set("ABCD")


def test_plain_peft_gives_the_same_tokens_as_the_chat(learned: Run, project: Path) -> None:
    from langchain_core.messages import HumanMessage, SystemMessage
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench.models.local import LocalChatModel

    tokenizer = AutoTokenizer.from_pretrained(learned.adapter)
    base = AutoModelForCausalLM.from_pretrained(project.parent / "base", dtype="auto")
    model: Any = PeftModel.from_pretrained(base, str(learned.adapter)).eval()
    chat = LocalChatModel(folder=str(learned.adapter), answer_tokens=24, temperature=0)
    checked = 0
    for person in ("Mira", "石砚"):
        question = wordings_of(person)[0]
        turns = [
            {"role": "system", "content": "Answer shortly."},
            {"role": "user", "content": question},
        ]
        prompt = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = model.generate(**prompt, max_new_tokens=24, do_sample=False)[
            0, prompt["input_ids"].shape[1] :
        ]
        plain = tokenizer.decode(made, skip_special_tokens=True)
        said = "".join(
            str(one.content)
            for one in chat.stream([SystemMessage("Answer shortly."), HumanMessage(question)])
        )
        assert said == plain == answer_of(person)
        checked += 1
    assert checked == 2


def test_packed_sequences_do_not_see_each_other(project: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.data.dataset import load_examples
    from finetune.encoding.batches import Collator, as_rows, pack
    from finetune.encoding.masking import encode_all

    base = project.parent / "base"
    tokenizer, model = (
        AutoTokenizer.from_pretrained(base),
        AutoModelForCausalLM.from_pretrained(base).eval(),
    )
    encoded = encode_all(load_examples([project.parent / "train.jsonl"]).examples, tokenizer).rows
    packed, collate, checked = pack(encoded, 96), Collator(tokenizer.pad_token_id), 0
    assert len(packed) < len(encoded) / 2
    with torch.inference_mode():
        batch = collate(packed)
        together = model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False
        ).logits
        for number, row in enumerate(packed):
            begin = 0
            for size in row["seq_lengths"]:
                ids = row["input_ids"][begin : begin + size]
                alone = model(
                    **{
                        k: v
                        for k, v in collate(as_rows([_of(encoded, ids)])).items()
                        if k != "labels"
                    }
                ).logits
                assert torch.allclose(alone[0], together[number, begin : begin + size], atol=1e-4)
                begin += size
                checked += 1
    assert checked == 18


def _of(encoded: list[Any], ids: list[int]) -> Any:
    return next(row for row in encoded if row.input_ids == ids)


@pytest.mark.parametrize("method", ["rslora", "dora"])
def test_other_methods_train_too(project: Path, tmp_path: Path, method: str) -> None:
    text = (
        LEARN.replace("rank = 16", f'rank = 4\nmethod = "{method}"')
        .replace("steps = 90", "steps = 2\npacking = true\ngradient_checkpointing = true")
        .replace("eval_every = 45", "eval_every = 2")
    )
    path = project.parent / f"{method}.toml"
    path.write_text(text, "utf-8")
    run = train_here(path, tmp_path)
    adapter = json.loads((run.adapter / "adapter_config.json").read_text("utf-8"))
    assert adapter["use_rslora"] == (method == "rslora") and adapter["use_dora"] == (
        method == "dora"
    )
    assert run.card["step"] == 2


def test_missing_tokens_are_added_learned_and_saved(project: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from workbench.models.weights import load_local

    template = (
        "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
    )
    (project.parent / "turn.jinja").write_text(template, "utf-8")
    text = LEARN.replace(
        "max_length = 128",
        'max_length = 128\nchat_template = "turn.jinja"\nspecial_tokens = ["<think>"]',
    )
    path = project.parent / "grown.toml"
    path.write_text(
        text.replace("steps = 90", "steps = 4").replace("eval_every = 45", "eval_every = 4"),
        "utf-8",
    )
    run = train_here(path, tmp_path)
    loaded = load_local(run.adapter)
    words = (
        AutoModelForCausalLM.from_pretrained(project.parent / "base")
        .get_input_embeddings()
        .weight.shape[0]
    )
    new = loaded.tokenizer.convert_tokens_to_ids(["<|turn|>", "<think>"])
    assert (
        new == [words, words + 1]
        and loaded.tokenizer.decode([new[1]], skip_special_tokens=True) == "<think>"
    )
    from safetensors.torch import load_file

    saved = load_file(run.adapter / "adapter_model.safetensors")
    rows = next(tensor for name, tensor in saved.items() if "trainable_tokens" in name)
    assert rows.shape[0] == 2
    with loaded.base.lock:
        loaded.choose_adapter()
        shown = loaded.base.model.get_input_embeddings()(torch.tensor(new))
        assert torch.allclose(shown, rows, atol=1e-5)


def test_nothing_is_overwritten_silently(
    at_home: Callable[..., Any], project: Path, learned: Run
) -> None:
    code, events = at_home("finetune", "train", str(project))
    assert code == 1 and "--replace" in events[-1]["fix"]
    code, events = at_home("finetune", "train", "run", "--resume")
    assert code == 0 and events == [{"event": "done", "run": str(learned.folder)}]
    changed = project.parent / "run2.toml"
    changed.write_text(LEARN.replace("rank = 16", "rank = 8"), "utf-8")
    settings = load_settings(home=learned.folder.parents[1])
    with pytest.raises(Conflict):
        open_run(changed, load_config(changed, name="run"), settings)
    with pytest.raises(NotFound, match="no run fresh"):
        open_run(changed, load_config(changed, name="fresh"), settings, resume=True)


def test_a_run_that_failed_before_its_first_step_is_begun_anew_with_the_corrected_file(
    at_home: Callable[..., Any], project: Path
) -> None:
    broken = project.parent / "hopeful.toml"
    broken.write_text(LEARN.replace('base = "base"', 'base = "./nowhere"'), "utf-8")
    code, events = at_home("finetune", "train", str(broken))
    assert code == 1 and "nowhere" in events[-1]["problem"]
    broken.write_text(LEARN.replace('base = "base"', 'base = "./elsewhere"'), "utf-8")
    code, events = at_home("finetune", "train", str(broken))
    assert code == 1 and "elsewhere" in events[-1]["problem"]


def test_a_moved_or_changed_base_is_told(learned: Run, tmp_path: Path) -> None:
    copy = Run(tmp_path / "copy")
    shutil.copytree(learned.folder, copy.folder)
    check_base(copy)
    config = copy.adapter / "adapter_config.json"
    told = json.loads(config.read_text("utf-8"))
    base = shutil.copytree(told["base_model_name_or_path"], tmp_path / "base")
    config.write_text(json.dumps(told | {"base_model_name_or_path": str(base)}), "utf-8")
    check_base(copy)
    (base / "config.json").write_text((base / "config.json").read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(Conflict, match="has changed"):
        check_base(copy)
    base.rename(tmp_path / "moved")
    with pytest.raises(NotFound, match="no longer in"):
        check_base(copy)


def test_a_loss_that_is_not_a_number_stops_the_training(project: Path, tmp_path: Path) -> None:
    path = project.parent / "diverge.toml"
    path.write_text(
        LEARN.replace("learning_rate = 5e-3", "learning_rate = 1e30\nclip = 1e30"), "utf-8"
    )
    with pytest.raises(InvalidInput, match="diverged") as raised:
        train_here(path, tmp_path)
    assert "learning_rate" in raised.value.fix
    assert not (tmp_path / "runs" / "diverge" / "adapter").exists()


def test_out_of_memory_names_the_setting_to_lower(project: Path) -> None:
    config = load_config(project)
    with pytest.raises(Unavailable) as raised, maps_training_errors(config):
        raise MemoryError
    assert (
        "training.batch from 9 to 4" in raised.value.fix
        and "gradient_checkpointing" in raised.value.fix
    )
    with pytest.raises(RuntimeError, match="something else"), maps_training_errors(config):
        raise RuntimeError("something else")


def test_a_hub_that_is_not_reached_names_the_other_ways(project: Path, settings: Settings) -> None:
    path = project.parent / "hub.toml"
    path.write_text(LEARN.replace('"base"', '"nobody/no-such-model"'), "utf-8")
    with pytest.raises(Unavailable) as raised:
        train_here(path, settings.home)
    assert "modelscope:" in raised.value.fix and "folder" in raised.value.fix


def test_layers_that_the_base_lacks_are_told(project: Path, settings: Settings) -> None:
    path = project.parent / "layers.toml"
    path.write_text(LEARN.replace("rank = 16", 'rank = 4\ntargets = ["attic"]'), "utf-8")
    config = load_config(path)
    run = open_run(path, config, settings)
    with pytest.raises(InvalidInput, match="does not fit the base"), maps_training_errors(config):
        from finetune.run.preparation import prepare_data

        sets = prepare_data(run, config, quietly)
        base = project.parent / "base"
        make_trainer(Order(run, config, base, sets.taught, sets.held_out, quietly, never))
