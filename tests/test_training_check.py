"""`finetune check` reports all problems at once, warns of surprises, and never loads torch."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from training_fixtures import RUN, write_project, write_rows

from finetune.encoding.batches import pack
from finetune.encoding.light_tokenizer import LightTokenizer
from finetune.encoding.masking import Encoded, encode_all
from finetune.run.check import check
from finetune.run.config import ConfigProblems, load_config
from workbench.cli import workbench


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("check"))


def beside(project: Path, name: str, text: str) -> Path:
    path = project.parent / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def places(problems: list[dict[str, str]]) -> list[str]:
    return [one["where"] for one in problems]


def test_every_problem_is_reported_at_once(project: Path) -> None:
    write_rows(
        project.parent / "broken.jsonl",
        [("Who?", "", "x"), ("", "Me.", "y"), ("Where?", "Here.", "z")],
    )
    path = beside(
        project,
        "wrong",
        'base = "base"\nseeds = 1\n'
        '[data]\ntrain = ["broken.jsonl", "nowhere.jsonl"]\nmax_length = "long"\n'
        '[lora]\nmethod = "mora"\nrank = 0\nmodules_to_save = ["attic"]\n[training]\nepoch = 3\n',
    )
    found = check(path)
    wanted = [
        "data.max_length",
        "lora.method",
        "lora.rank",
        "training.epoch",
        "seeds",
        "lora.modules_to_save",
    ]
    assert set(wanted) <= set(places(found.problems))
    rows = [place for place in places(found.problems) if ".jsonl" in place]
    assert [Path(row).name for row in rows] == ["broken.jsonl:1", "broken.jsonl:2", "nowhere.jsonl"]
    assert all(one["problem"] and one["fix"] for one in found.problems)
    with pytest.raises(ConfigProblems) as raised:
        load_config(path)
    assert len(raised.value.problems) == 5


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("base = 3\n[data]\ntrain = ['train.jsonl']", "base"),
        ("[data]\ntrain = ['train.jsonl']", "base"),
        ("base = 'base'", "data"),
        ("base = 'base'\n[data]\ntrain = []", "data.train"),
        ("base = './attic'\n[data]\ntrain = ['train.jsonl']", "base"),
        ("base = 'base'\nname = '../up'\n[data]\ntrain = ['train.jsonl']", "name"),
        (
            "base = 'base'\n[data]\ntrain = ['train.jsonl']\n[lora]\ntargets = ['lm_head']",
            "lora.targets",
        ),
        ("base = 'base'\n[data]\ntrain = ['train.jsonl']\nonly = { subject = 'law' }", "data.only"),
        (
            "base = 'base'\n[data]\ntrain = ['train.jsonl']\nchat_template = 'attic.jinja'",
            "data.chat_template",
        ),
        (
            "base = 'base'\n[data]\ntrain = ['train.jsonl']\n"
            "[saving]\neval_every = 5\nsave_every = 7",
            "saving",
        ),
        ("base = 'base'\n[data\n", "one.toml"),
    ],
)
def test_a_single_problem_is_named_by_its_place(project: Path, text: str, where: str) -> None:
    path = beside(project, "one", text)
    found = check(path)
    assert [place for place in places(found.problems) if place.endswith(where)], found.problems


def test_the_command_ends_with_1_and_never_loads_torch(project: Path) -> None:
    script = (
        "import sys\nfrom workbench.cli import workbench\n"
        f"sys.argv = ['workbench', 'finetune', 'check', {str(project)!r}, '--preview', '--json']\n"
        "try: workbench()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "assert not {'torch', 'transformers', 'numpy'} & sys.modules.keys()\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (
        found["problems"] == []
        and found["estimate"]["steps"] == 12
        and found["estimate"]["trainable"] > 10_000
    )
    learned = "".join(one["token"] for one in found["preview"] if one["learned"])
    assert learned == "Mira lives in Oslo.<|im_end|>"
    assert (
        seconds < 10
    )  # 1.5 s on a machine that does nothing else; benchmarks/training.py measures it
    wrong = CliRunner().invoke(
        workbench, ["finetune", "check", str(beside(project, "two", "base = 3")), "--json"]
    )
    assert wrong.exit_code == 1 and json.loads(wrong.output)["problems"]


def test_it_warns_of_what_surprises_later(project: Path) -> None:
    folder = project.parent
    config = json.loads((folder / "base" / "tokenizer_config.json").read_text("utf-8"))
    other = folder / "other"
    other.mkdir()
    for path in (folder / "base").iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "tokenizer_config.json").write_text(
        json.dumps(config | {"pad_token": config["eos_token"]}), "utf-8"
    )
    (other / "chat_template.jinja").write_text(
        "{% for m in messages %}<|turn|>{{ m.role }} {{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>assistant {% endif %}",
        "utf-8",
    )
    text = RUN.replace('"base"', '"other"').replace(
        "max_length = 64", 'max_length = 14\ntest = ["train.jsonl"]'
    )
    warnings = "\n".join(check(beside(project, "warned", text)).warnings)
    assert "pad = eos" in warnings and "vocabulary: <|turn|>." in warnings
    assert (
        "lose their end" in warnings and "18 of the 18 test questions are also taught" in warnings
    )


def test_the_light_tokenizer_does_as_transformers(project: Path) -> None:
    from transformers import AutoTokenizer

    from finetune.data.dataset import load_examples

    base = project.parent / "base"
    examples = load_examples([project.parent / "train.jsonl"]).examples
    heavy, light = AutoTokenizer.from_pretrained(base), LightTokenizer(base)
    assert encode_all(examples, light).rows == encode_all(examples, heavy).rows
    assert light.eos_token == heavy.eos_token and light.pad_token == heavy.pad_token
    assert len(examples) == 18


def test_packing_keeps_every_sequence_whole() -> None:
    rows = [
        Encoded([number] * size, [number] * size)
        for number, size in enumerate([5, 9, 3, 7, 1, 8, 4, 6, 10, 2])
    ]
    packed = pack(rows, 10)
    assert sum(len(row["input_ids"]) for row in packed) == 55 and len(packed) == 6
    assert all(sum(row["seq_lengths"]) == len(row["input_ids"]) <= 10 for row in packed)
    seen = []
    for row in packed:
        begin = 0
        for size in row["seq_lengths"]:
            part = row["input_ids"][begin : begin + size]
            assert part == [part[0]] * size == [part[0]] * len(rows[part[0]].input_ids)
            assert (
                row["labels"][begin] == -100 and row["labels"][begin + 1 : begin + size] == part[1:]
            )
            seen.append(part[0])
            begin += size
    assert sorted(seen) == list(range(10))
