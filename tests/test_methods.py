"""Every method of the table: two steps, stopped and resumed, then asked; and what each refuses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from training_fixtures import RUN, write_project

from deploy.artefact import find_artefact
from finetune.evaluate.score import Wanted, score
from finetune.evaluate.targets import of_run
from finetune.methods import METHODS
from finetune.run.check import check
from finetune.run.config import ConfigProblems, load_config
from finetune.run.metrics import read_metrics
from finetune.run.runs import Run, open_run, run_at
from finetune.train.base_model import load_model
from finetune.train.device import dtype_of
from finetune.train.training import train
from finetune.weights import read_weights
from workbench import extras
from workbench.artefacts.model_folder import positions_before_text
from workbench.artefacts.run_folder import list_tuned
from workbench.errors import InvalidInput, NotFound, Stopped
from workbench.models import weights
from workbench.models.connect import connect
from workbench.models.listing import describe_model
from workbench.models.local import LocalChatModel
from workbench.models.speeding import speed_up
from workbench.models.weights import load_local
from workbench.scoring.measures import Means
from workbench.settings import Settings

LORA = "[lora]\nrank = 16\nalpha = 32\ndropout = 0.05\n"
BRIEF = (
    RUN.replace(LORA, "")
    .replace("steps = 12", "steps = 2")
    .replace("eval_every = 4", "eval_every = 1")
)
BRIEF = BRIEF.replace("[saving]", "[saving]\nsamples = 1")
NO_RATE = BRIEF.replace("learning_rate = 5e-3\n", "")
CASES = dict.fromkeys(METHODS, "") | {"ptuning with projection": "[ptuning]\nprojection = true\n"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("methods"))


def run_file(project: Path, name: str, more: str = "", text: str = BRIEF) -> Path:
    method = name.partition(" ")[0]
    path = project.with_name(f"{name.replace(' ', '-')}.toml")
    path.write_text(f'method = "{method}"\n{text}{more}', "utf-8")
    return path


def trained(path: Path, settings: Settings, name: str, asked: Sequence[bool] = ()) -> Run:
    """The run of that file under that name.

    `asked` is whether to stop: before the first step, after it, and so on.
    """
    config = load_config(path, name=name)
    run = open_run(path, config, settings)
    answers = iter(asked)
    train(run, config, settings, lambda event: None, lambda: next(answers, False))
    return run


def losses(run: Run) -> list[float]:
    return [row["loss"] for row in read_metrics(run.metrics) if "loss" in row]


def tensors(run: Run) -> dict[str, Any]:
    from safetensors.torch import load_file

    (path,) = run.trained.glob("*.safetensors")
    return load_file(path)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One workspace for all runs of this file: what one test has trained, the next one asks."""
    return Settings(home=tmp_path_factory.mktemp("home"))


def finished(case: str, project: Path, settings: Settings) -> Run:
    """The run of that case, trained where no test before has done so."""
    name = case.replace(" ", "-")
    run = run_at(settings, name)
    if run.finished:
        return run
    return trained(run_file(project, case, CASES[case]), settings, name)


@pytest.mark.parametrize("case", CASES)
def test_a_method_trains_resumes_and_chats(case: str, project: Path, settings: Settings) -> None:
    whole = finished(case, project, settings)
    path = run_file(project, case, CASES[case])
    with pytest.raises(Stopped):
        trained(path, settings, f"{whole.name}-resumed", [False, True])
    resumed = trained(path, settings, f"{whole.name}-resumed")
    assert losses(resumed) == pytest.approx(losses(whole), abs=1e-5)
    assert len(losses(whole)) == 2
    one, other = tensors(whole), tensors(resumed)
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.allclose(other[name], atol=1e-5), name

    info = describe_model(f"local:{resumed.name}", settings)
    assert info.context_tokens == 1024 - positions_before_text(resumed.trained)
    model = connect(info, settings.model_copy(update={"answer_tokens": 8}))
    assert isinstance(model, LocalChatModel)  # and not the fast engine
    reply = model.invoke("Where does Mira live?")
    assert isinstance(reply, AIMessage) and reply.usage_metadata
    assert 0 < reply.usage_metadata["output_tokens"] <= 8


@pytest.mark.parametrize("case", ["ptuning", "prompt", "full"])
def test_the_loss_of_learned_places_is_the_whole_rows(
    case: str, project: Path, settings: Settings
) -> None:
    """A step too small to change anything: what is trained on, and measured by TRL, is the same."""
    text = BRIEF.replace("steps = 2", 'steps = 1\nprecision = "bf16"')
    for old, new in (
        ("eval.jsonl", "train.jsonl"),
        ("batch = 4\naccumulation = 2", "batch = 18"),
        ("learning_rate = 5e-3", "learning_rate = 1e-12"),
    ):
        assert old in text
        text = text.replace(old, new)
    run = trained(run_file(project, case, text=text), settings, f"{case}-still")
    (loss,) = losses(run)
    assert loss == pytest.approx(run.card["eval_loss"], rel=2e-3)
    kinds = {str(tensor.dtype) for tensor in tensors(run).values()}
    assert kinds == {"torch.bfloat16" if case == "full" else "torch.float32"}


def test_kinds_of_adapters_take_turns_on_one_base(project: Path, settings: Settings) -> None:
    import torch

    ids = torch.tensor([[5, 6, 7, 8, 9]])

    def last(model: Any) -> Any:
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1]

    cases = ("lora", "ptuning", "prompt", "ptuning with projection", "dora")
    runs = {case: finished(case, project, settings) for case in cases}
    alone: dict[str, Any] = {}
    for case, run in runs.items():
        weights._bases.clear()
        loaded = load_local(run.trained)
        loaded.choose_adapter()
        alone[case] = last(loaded.base.model)
    weights._bases.clear()
    base = load_local(project.parent / "base")
    alone["base"] = last(base.base.model)
    for case in [*cases, "base", "ptuning", "lora", "base", "prompt", "dora", "prompt", "ptuning"]:
        loaded = base if case == "base" else load_local(runs[case].trained)
        assert loaded.base is base.base
        loaded.choose_adapter()
        assert last(loaded.base.model).equal(alone[case]), case
    assert len({float(logits.square().sum()) for logits in alone.values()}) == len(alone)


def test_a_batch_is_answered_like_single_questions(project: Path, settings: Settings) -> None:
    questions = project.parent / "eval.jsonl"
    for case in ("prompt", "ptuning"):
        run = finished(case, project, settings)
        together = score(of_run(run), Wanted([questions]), Means(settings))
        apart = score(of_run(run), Wanted([questions], batch=1), Means(settings))
        assert len(together.predictions) == 6
        assert together.predictions == apart.predictions
    whole = finished("full", project, settings)
    base = score(of_run(whole, base=True), Wanted([questions], limit=2), Means(settings))
    assert base.result["rows"] == 2


def test_what_cannot_be_a_gguf_is_said_before_and_refused_after(
    project: Path, settings: Settings
) -> None:
    for case in ("ptuning", "prompt"):
        found = check(run_file(project, case), settings)
        assert found.problems == []
        assert any("no GGUF file" in warning for warning in found.warnings)
        run = finished(case, project, settings)
        for refuses in (find_artefact, lambda name, place: speed_up(f"local:{name}", place, print)):
            with pytest.raises(InvalidInput, match="no GGUF file can hold") as caught:
                refuses(run.name, settings)
            assert "LoRA" in caught.value.fix
    whole = finished("full", project, settings)
    artefact = find_artefact(whole.name, settings)
    assert artefact.adapter is None and artefact.run.folder == whole.folder
    assert artefact.base == whole.model
    assert whole.name in list_tuned(settings)


def test_the_trained_parameters_are_counted_as_peft_makes_them(project: Path) -> None:
    from peft import get_peft_model

    base = project.parent / "base"
    sizes = read_weights(base)
    counted = 0
    for case, more in CASES.items():
        config = load_config(run_file(project, case, more))
        method = METHODS[config.method]
        model = load_model(base, 0, dtype_of("fp32"), "cpu")
        peft_config = method.peft_config(config.tuning, model, [])
        if peft_config is not None:
            model = get_peft_model(model, peft_config)
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        assert method.trainable(config.tuning, sizes) == trained, case
        counted += 1
    assert counted == 9


def test_a_run_file_names_its_method_in_one_line(project: Path) -> None:
    config = load_config(run_file(project, "ptuning", text=NO_RATE))
    assert (config.method, config.training.learning_rate) == ("ptuning", 2e-2)
    assert config.tuning.model_dump() == {
        "method": "ptuning",
        "tokens": 128,
        "projection": False,
    } | {"width": 0}
    assert load_config(run_file(project, "full", text=NO_RATE)).training.learning_rate == 1e-5
    both = load_config(run_file(project, "qlora", "[lora]\nrank = 4\n"))
    assert (both.method, both.tuning.model_dump()["rank"]) == ("qlora", 4)
    wrong = {
        "[lora]\nrank = 4\n": ("ptuning", "lora", "one method"),
        '[lora]\nmethod = "dora"\n': ("qlora", "method", "another method"),
        "": ("mora", "method", "no method 'mora'"),
    }
    for more, (method, place, words) in wrong.items():
        with pytest.raises(ConfigProblems, match=words) as raised:
            load_config(run_file(project, method, more))
        assert [row["where"] for row in raised.value.problems] == [place]
    with pytest.raises(ConfigProblems):
        load_config(
            run_file(project, "lora", text=f"{BRIEF}".replace("[data]", "lora = 3\n[data]"))
        )


def test_what_a_method_does_not_go_with_is_refused(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def places(case: str, *changes: tuple[str, str]) -> list[str]:
        text = BRIEF
        for old, new in changes:
            text = text.replace(old, new)
        return [row["where"] for row in check(run_file(project, case, text=text)).problems]

    packed = ("batch = 4", "batch = 4\npacking = true")
    saving = ("batch = 4", "batch = 4\ngradient_checkpointing = true")
    tokens = ("max_length = 64", 'max_length = 64\nspecial_tokens = ["<role>"]')
    assert places("ptuning", packed) == ["training.packing"]
    assert places("prefix", saving) == ["training.gradient_checkpointing"]
    assert places("prompt", saving) == []
    assert places("prompt", tokens) == ["method"]
    assert places("lora", packed, saving, tokens) == places("full", packed, saving, tokens) == []
    large = check(run_file(project, "ptuning", "[ptuning]\ntokens = 1024\n"))
    assert [row["where"] for row in large.problems] == ["ptuning.tokens"]
    with pytest.raises(ConfigProblems, match="packed rows"):
        text = BRIEF.replace(*packed)
        trained(run_file(project, "ptuning", text=text), settings, "packed")

    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    (missing,) = check(run_file(project, "qlora")).problems
    assert "bitsandbytes" in missing["problem"] and "[qlora]" in missing["fix"]
    assert 'method = "lora"' in missing["fix"]
    monkeypatch.setattr(sys, "platform", "darwin")
    (mac,) = check(run_file(project, "qlora")).problems
    assert "on a Mac" in mac["problem"]


def test_the_costs_of_all_methods_are_told_before_a_training(project: Path) -> None:
    rows = {row["method"]: row for row in check(run_file(project, "lora")).methods}
    assert list(rows) == list(METHODS)
    assert rows["full"]["trainable"] > rows["lora"]["trainable"] > rows["prompt"]["trainable"]
    assert rows["lora"]["publishes"] and not rows["ptuning"]["publishes"]
    assert all(row["memory_gb"] > 0 for row in rows.values())
    sizes = read_weights(project.parent / "base")
    trained = rows["lora"]["trainable"]
    needs = {name: row.memory(sizes, trained, 2) for name, row in METHODS.items()}
    assert needs["qlora"] < needs["lora"] == needs["ptuning"]


OWN_CODE = {
    "configuration_own.py": (
        "from transformers import Qwen2Config\n\n\n"
        "class OwnConfig(Qwen2Config):\n    model_type = 'own_kind'\n"
    ),
    "modeling_own.py": (
        "from transformers import Qwen2ForCausalLM\n\n"
        "from .configuration_own import OwnConfig\n\n\n"
        "class OwnForCausalLM(Qwen2ForCausalLM):\n    config_class = OwnConfig\n"
    ),
}


def with_own_code(base: Path, folder: Path) -> Path:
    """A copy of the base whose architecture is code in its folder."""
    shutil.copytree(base, folder)
    for name, text in OWN_CODE.items():
        (folder / name).write_text(text, "utf-8")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["model_type"] = "own_kind"
    config["auto_map"] = {
        "AutoConfig": "configuration_own.OwnConfig",
        "AutoModelForCausalLM": "modeling_own.OwnForCausalLM",
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_bases_own_code_runs_where_it_is_written_out(
    method: str, project: Path, settings: Settings, tmp_path: Path
) -> None:
    base = with_own_code(project.parent / "base", tmp_path / "own")
    text = BRIEF.replace('base = "base"', f'base = "{base}"')
    refused = run_file(project, method, text=text)
    found = check(refused)
    assert [row["where"] for row in found.problems] == ["base"]
    assert "GLM-4" in found.problems[0]["fix"] and "remote_code" in found.problems[0]["fix"]
    with pytest.raises(ConfigProblems, match="own repository"):
        trained(refused, settings, f"refused-{method}")

    elsewhere = f"remote_code = true\n{BRIEF}".replace('"base"', '"owner/model"')
    (unread,) = check(run_file(project, method, text=elsewhere)).problems
    assert "not in owner/model" in unread["problem"] and "read its code" in unread["fix"]
    allowed = run_file(project, method, text=f"remote_code = true\n{text}")
    found = check(allowed)
    assert not found.problems
    assert any("modeling_own.py" in warning for warning in found.warnings)
    run = trained(allowed, settings, f"allowed-{method}")
    assert run.card["remote_code"].keys() == OWN_CODE.keys()
    model = load_local(run.trained)
    model.choose_adapter()
    assert "OwnForCausalLM" in str(type(model.base.plain))

    with pytest.raises(NotFound):  # the base alone, which no run speaks for
        load_local(base)
    code = (base if method == "lora" else run.model) / "modeling_own.py"
    code.write_text(code.read_text("utf-8") + "\nprint('changed')\n", "utf-8")
    assert not run.trusts(code.parent)
    with pytest.raises(NotFound):
        load_local(run.trained)
