"""Whatever goes wrong on the way to Ollama is said with its fix, and leaves nothing behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import free_port
from serving import Answering, serving
from tiny_models import make_model

from deploy.conversations import choose_talks
from deploy.ollama_registry import Registry, Reply
from deploy.order import Order
from deploy.plan import make_plan
from deploy.proof import Check, Proof, compare_replies
from deploy.publish import publish, write_files
from deploy.publishable import find_obstacles
from deploy.quantize import find_llama_quantize
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable
from workbench.settings import Settings, load_settings

Answer = Callable[[Answering], tuple[int, Any]]


@contextmanager
def answering(answer: Answer, port: int = 0) -> Iterator[str]:
    """A server that gives these answers, as JSON."""

    class Handler(Answering):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, data = answer(self)
            body = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_POST = do_HEAD = do_GET

    with serving(Handler, port) as url:
        yield url


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("errors") / "model")


def files(settings: Settings) -> list[str]:
    return [
        path.name for path in settings.home.rglob("*") if path.is_file() and path.suffix != ".lock"
    ]


def test_ollama_that_is_down_says_how_to_start_or_do_without(
    settings: Settings, model: Path
) -> None:
    command = [
        "deploy",
        "publish",
        str(model),
        "--name",
        "x",
        "--host",
        f"127.0.0.1:{free_port()}",
        "--json",
    ]
    done = CliRunner().invoke(workbench, command)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1 and (last["event"], last["step"]) == ("failed", "check")
    assert all(
        word in last["fix"]
        for word in ("ollama serve", "ollama.com/download", "--host", "--gguf-only")
    )
    assert files(settings) == []


def test_an_old_ollama_and_what_is_none_are_told_apart() -> None:
    with (
        answering(lambda request: (200, {"version": "0.9.6"})) as url,
        pytest.raises(Unavailable, match=r"too old.*0\.12"),
    ):
        Registry(url).check()
    with (
        answering(lambda request: (200, b"<html>")) as url,
        pytest.raises(Unavailable, match="not Ollama"),
    ):
        Registry(url).check()
    with answering(lambda request: (200, {"version": "0.24.0"})) as url:
        assert Registry(url).check() == "0.24.0"


@pytest.mark.parametrize("name", ["", "a b", "x:v1", "user/x", "../x", "-x", "名字", "x" * 81])
def test_a_name_that_ollama_refuses_is_refused_at_once(
    settings: Settings, model: Path, name: str
) -> None:
    with pytest.raises(InvalidInput, match="cannot be a model's name"):
        make_plan(Order(str(model), name), settings)


def test_a_name_that_is_taken_by_another_model_is_kept(settings: Settings, model: Path) -> None:
    def answer(request: Answering) -> tuple[int, Any]:
        return 200, {"version": "0.24.0", "models": [{"model": "mine:latest", "digest": "d"}]}

    with answering(answer) as url, pytest.raises(Conflict, match="another model mine:latest"):
        publish(Order(str(model), "mine"), load_settings(ollama_host=url), lambda event: None)
    assert files(settings) == []


def test_an_unknown_run_names_the_near_ones(settings: Settings) -> None:
    with pytest.raises(NotFound, match="no model nothing"):
        make_plan(Order("nothing", "x"), settings)


def test_a_disk_without_room_is_seen_before_the_work(
    settings: Settings, model: Path, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.mkdir()
    for path in model.iterdir():
        (big / path.name).write_bytes(path.read_bytes())
    with (big / "model-2.safetensors").open("wb") as file:
        file.truncate(1 << 43)  # 8.8 TB, and yet no byte of the disk
    with pytest.raises(Unavailable, match=r"needs .* GB, the disk"):
        write_files(Order(str(big), "x"), settings, tmp_path / "out", lambda event: None)


def test_a_server_that_restarts_during_the_upload_gets_the_file_again(tmp_path: Path) -> None:
    file, port, got = tmp_path / "file", free_port(), []
    file.write_bytes(b"weights")

    def answer(request: Answering) -> tuple[int, Any]:
        got.append(request.command)
        return (404 if request.command == "HEAD" else 201), {}

    def come_back() -> None:
        time.sleep(1)
        with answering(answer, port):
            time.sleep(3)

    thread = threading.Thread(target=come_back)
    thread.start()
    told: list[tuple[int, int]] = []
    Registry(f"http://127.0.0.1:{port}").push(
        file, "0" * 64, lambda done, of: told.append((done, of))
    )
    thread.join()
    assert got == ["HEAD", "POST"] and told == [(7, 7)]


@pytest.mark.parametrize(
    ("status", "reason", "problem"),
    [
        (500, "write /models/blobs/x: no space left on device", "disk of Ollama"),
        (500, "model requires more system memory (9 GiB) than is available", "no memory"),
        (400, "digest mismatch", "refuses it: digest mismatch"),
    ],
)
def test_what_ollama_answers_is_said_in_our_words(
    tmp_path: Path, status: int, reason: str, problem: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"weights")

    def answer(request: Answering) -> tuple[int, Any]:
        return (404, {}) if request.command == "HEAD" else (status, {"error": reason})

    with (
        answering(answer) as url,
        pytest.raises((Unavailable, InvalidInput), match=problem) as caught,
    ):
        Registry(url).push(file, "0" * 64, lambda done, of: None)
    assert caught.value.fix


def writing(model: Path, out: Path, *options: str) -> list[str]:
    """The command that writes the files of a publish to that folder."""
    return [
        "deploy",
        "publish",
        str(model),
        "--name",
        "x",
        "--gguf-only",
        str(out),
        *options,
        "--json",
    ]


def test_without_ollama_file_and_modelfile_are_written(
    settings: Settings, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = writing(model, out, "--system", "Be brief.")
    done = CliRunner().invoke(workbench, command)
    assert done.exit_code == 0, done.output
    last = json.loads(done.stdout.splitlines()[-1])
    assert Path(last["gguf"]).read_bytes()[:4] == b"GGUF" and len(last["gguf_sha256"]) == 64
    text = Path(last["modelfile"]).read_text("utf-8")
    assert text.startswith("FROM ./model.gguf\n") and 'SYSTEM """Be brief."""' in text
    assert 'PARAMETER stop "<|im_end|>"' in text and "PARAMETER num_ctx 512" in text
    again = CliRunner().invoke(workbench, command)
    assert again.exit_code == 1 and "has a model already" in again.output


def test_the_folder_of_the_files_may_be_relative(
    settings: Settings, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converter has another working directory."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(workbench, writing(model, Path("gg")))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "gg" / "model.gguf").read_bytes()[:4] == b"GGUF"


LLAMA_QUANTIZE = """#!/bin/sh
[ $# -eq 3 ] && [ -s "$1" ] && [ ! -e "$2" ] && [ "$3" = Q4_K_M ] || exit 2
if [ -n "$FAILS" ]; then echo half > "$2"; echo "no space left"; exit 1; fi
printf GGUF > "$2"
"""


def test_q4_without_ollama_is_made_by_llama_quantize(
    settings: Settings, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is a stand-in that checks what it is given."""
    out, program = tmp_path / "out", tmp_path / "llama.cpp" / "build" / "bin" / "llama-quantize"
    command = writing(model, out, "--quantize", "q4_K_M")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    missing = json.loads(CliRunner().invoke(workbench, command).stdout.splitlines()[-1])
    assert (
        "not on PATH" in missing["problem"] and "--llama-cpp" in missing["fix"] and not out.exists()
    )
    program.parent.mkdir(parents=True)
    program.write_text(LLAMA_QUANTIZE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("FAILS", "1")
    failed = json.loads(CliRunner().invoke(workbench, command).stdout.splitlines()[-1])
    assert failed["problem"] == "llama-quantize failed: no space left" and not out.exists()
    monkeypatch.delenv("FAILS")
    done = json.loads(CliRunner().invoke(workbench, command).stdout.splitlines()[-1])
    assert (
        Path(done["gguf"]).read_bytes() == b"GGUF"
        and done["gguf_sha256"] == sha256(b"GGUF").hexdigest()
    )
    assert sorted(path.name for path in out.iterdir()) == ["Modelfile", "model.gguf"]
    assert find_llama_quantize(str(tmp_path / "llama.cpp")) == program


def test_where_two_answers_part_is_told() -> None:
    ours = Reply([b"a", b" b", b"c"], [-0.1, -0.2, -0.3], True, 9)
    ends = {"<end>"}
    assert (
        compare_replies(
            "q", ours, Reply([b"a", b"b", b"c"], [-0.1, -0.2, -0.3], True, 9), ends
        ).part
        == ""
    )
    over = compare_replies(
        "q", ours, Reply([b"a", b"b", b"c", b"<end>", b"d"], [-0.1] * 5, False, 9), ends
    )
    assert (over.part, over.place, over.expected) == ("stop", 3, "the end")
    other = compare_replies("q", ours, Reply([b"a", b"x"], [-0.1, -0.9], True, 9), ends)
    assert (other.part, other.place, other.expected, other.got) == ("weights", 1, " bc", "x")
    short = compare_replies("q", ours, Reply([b"a"], [-0.4], True, 9), ends)
    assert (short.part, short.place, short.got) == ("weights", 1, "the end")
    assert short.changes == pytest.approx([0.3])


def test_a_proof_passes_by_its_precision() -> None:
    same, parted = Check("q", changes=(0.01,)), Check("q", "weights", 3, "a", "b", changes=(0.04,))
    assert Proof("f16", [same] * 19 + [parted]).passed
    assert not Proof("f16", [same] * 18 + [parted] * 2).passed
    assert Proof("q4_K_M", [same] * 5 + [parted] * 15).passed
    assert not Proof("q8_0", [Check("q", changes=(0.2,))] * 20).passed
    assert not Proof("q4_K_M", [same] * 99 + [Check("q", "stop")]).passed
    assert not Proof("f16", [same] * 99, [Check("q", "tokenizer")]).passed
    assert not Proof("f16").passed


def test_both_languages_and_many_turns_are_asked(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {
            "messages": [
                {"role": "user", "content": f"Question {n}?"},
                {"role": "assistant", "content": "Yes."},
            ]
        }
        for n in range(30)
    ]
    lines.append({"messages": [{"role": "user", "content": "With tools?"}], "tools": [{}]})
    lines.append(
        {
            "messages": [
                {"role": "user", "content": "问题？"},
                {"role": "assistant", "content": "是。"},
            ]
        }
    )
    held_out = tmp_path / "eval.jsonl"
    held_out.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    talks = choose_talks(held_out, 8, lambda talk: True)
    said = [talk[-1]["content"] for talk in talks]
    assert (
        len(talks) == 8
        and said[0] == "Question 0?"
        and "问题？" in said
        and "With tools?" not in said
    )
    assert sum(len(talk) == 3 for talk in talks) == 2, (
        "our own conversations of many turns fill the gap"
    )
    assert all(talk[-1]["role"] == "user" for talk in talks)


@pytest.mark.parametrize(
    ("config", "tokenizer", "said"),
    [
        ({"architectures": ["ChatGLMModelOfNobody"]}, {}, "cannot convert ChatGLMModelOfNobody"),
        ({"architectures": ["DeepseekV32ForCausalLM"]}, {}, "needs a newer one"),
        ({}, {"model": {"type": "WordPiece", "vocab": {}}}, "no form for"),
        ({"architectures": ["LlamaForCausalLM"]}, {"version": "1.0"}, ""),
    ],
)
def test_what_will_stand_in_the_way_of_publishing_is_said_of_a_base(
    tmp_path: Path, config: dict[str, Any], tokenizer: dict[str, Any], said: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    found = list(find_obstacles(tmp_path))
    assert len(found) == bool(said)
    assert all(said in obstacle for obstacle in found)
