"""The run files of examples/runs, each checked on its own kind of data and a small base."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from training_fixtures import write_project

from finetune.commands.finetune import finetune
from finetune.data.dataset import load_examples
from finetune.data.examples import write_examples
from finetune.run.check import check
from finetune.run.config import load_config

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples" / "runs").glob("*.toml"))
DATA_FROM = {
    "exam": "ceval_cmmlu/ceval_val.jsonl",
    "tools-full": "finetune/toolalpaca_eval.jsonl",
    "tools-ptuning": "finetune/toolalpaca_eval.jsonl",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("base")).parent / "base"


def on_small_base(example: Path, base: Path, folder: Path) -> Path:
    path = folder / example.name
    text, count = re.subn(
        r'^base = ".*"', f'base = "{base}"', example.read_text("utf-8"), flags=re.M
    )
    assert count == 1
    path.write_text(text, "utf-8")
    return path


def bring_data(name: str, shared: Path, folder: Path) -> None:
    """The data that the file's header asks for, in the file's folder."""
    source = shared / DATA_FROM[name]
    if name == "exam":
        shutil.copyfile(source, folder / "ceval_val.jsonl")
        return
    sound = load_examples([source]).examples
    assert len(sound) > 80
    write_examples(folder / "tools.jsonl", sound)


def test_each_file_names_its_commands_and_the_settings_it_is_known_for() -> None:
    known = {
        "exam": ("lora", 8, 1e-4),
        "role": ("lora", 32, 5e-5),
        "tools-full": ("full", None, 1e-5),
        "tools-ptuning": ("ptuning", 128, 2e-2),
    }
    assert [path.stem for path in EXAMPLES] == sorted(known)
    for path in EXAMPLES:
        text = path.read_text("utf-8")
        assert f"workbench finetune train {path.name}" in text
        assert f"workbench finetune check {path.name}" in text
        config = load_config(path)
        tuning = config.tuning.model_dump()
        size = tuning.get("rank", tuning.get("tokens"))
        assert (config.method, size, config.training.learning_rate) == known[path.stem]


@pytest.mark.data
@pytest.mark.parametrize("name", DATA_FROM)
def test_an_example_has_no_problem_on_its_data(
    name: str, shared_data: Path, base: Path, tmp_path: Path
) -> None:
    bring_data(name, shared_data, tmp_path)
    found = check(on_small_base(ROOT / "examples" / "runs" / f"{name}.toml", base, tmp_path))
    assert found.problems == []
    assert found.estimate["steps"] == (80 if name == "exam" else 1000)
    warnings = [str(warning) for warning in found.warnings]
    assert any("also taught" in warning for warning in warnings) == (name == "exam")
    assert any("GGUF" in warning for warning in warnings) == (name == "tools-ptuning")


def test_the_role_has_no_problem_on_data_made_as_its_header_says(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = ROOT / "examples" / "runs" / "role.toml"
    shutil.copy(ROOT / "examples" / "crew" / "crew_zh.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = re.findall(
        r"^#   workbench finetune (augment|data split)(.*)$", example.read_text("utf-8"), re.M
    )
    assert len(commands) == 2
    for name, rest in commands:
        done = CliRunner().invoke(finetune, [*name.split(), *rest.split()])
        assert done.exit_code == 0, done.output
    found = check(on_small_base(example, base, tmp_path))
    assert found.problems == []
    assert found.encoded and len(found.encoded.rows) > 100
    assert found.tokenizer and found.tokenizer.added == ["<role>", "</role>"]
