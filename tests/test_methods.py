"""Every method of the table: two steps, stopped and resumed, then asked; and what each refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from training_fixtures import RUN, write_project

from finetune.methods import METHODS
from finetune.run.check import check
from finetune.run.config import ConfigProblems, load_config
from finetune.run.metrics import read_metrics
from finetune.run.runs import Run, open_run
from finetune.train.training import train
from workbench.errors import NotFound, Stopped
from workbench.models.connect import connect
from workbench.models.listing import describe_model
from workbench.models.local import LocalChatModel
from workbench.models.weights import load_local
from workbench.settings import Settings

LORA = "[lora]\nrank = 16\nalpha = 32\ndropout = 0.05\n"
BRIEF = (
    RUN.replace(LORA, "")
    .replace("steps = 12", "steps = 2")
    .replace("eval_every = 4", "eval_every = 1")
)
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


@pytest.mark.parametrize("case", CASES)
def test_a_method_trains_resumes_and_chats(case: str, project: Path, settings: Settings) -> None:
    path = run_file(project, case, CASES[case])
    whole = trained(path, settings, "whole")
    with pytest.raises(Stopped):
        trained(path, settings, "resumed", [False, True])
    resumed = trained(path, settings, "resumed")
    assert losses(resumed) == pytest.approx(losses(whole), abs=1e-5)
    assert len(losses(whole)) == 2
    one, other = tensors(whole), tensors(resumed)
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.allclose(other[name], atol=1e-5), name
    model = connect(describe_model("local:resumed", settings), settings)
    assert isinstance(model, LocalChatModel)
    assert model.invoke("Where does Mira live?").response_metadata


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
        trained(refused, settings, "refused")

    allowed = run_file(project, method, text=f"remote_code = true\n{text}")
    found = check(allowed)
    assert not found.problems
    assert any("modeling_own.py" in warning for warning in found.warnings)
    run = trained(allowed, settings, "allowed")
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
