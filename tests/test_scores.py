"""`workbench finetune score`: who is asked, what is counted, kept and written."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finetune.data.examples import Example
from finetune.evaluate.kept import kept_for
from finetune.evaluate.local import in_one_form
from finetune.evaluate.score import score
from finetune.evaluate.targets import find_target
from finetune.evaluate.wanted import Wanted
from tests.model_servers import Script, openai_server
from tests.tiny_models import make_encoder
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.scoring.measures import Means
from workbench.settings import Settings

ROWS = [
    ("Where does Mira live?", "Oslo"),
    ("石砚住在哪里？", "赤岩镇"),
    ("What is 2 - 5?", "-3 apples"),
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [json.dumps({"question": question, "answer": answer}) for question, answer in ROWS]
    path.write_text("\n".join(rows), "utf-8")
    return path


class Parrot:
    """Says the reference; its server is gone after `patience` answers."""

    name = digest = "parrot"
    run = None
    is_base = False

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.asked: list[int] = []
        self.looks = {"answer": self._answers}

    def _answers(
        self, examples: Sequence[Example], numbers: Sequence[int], batch: int
    ) -> Iterator[tuple[int, str]]:
        for number in numbers:
            if len(self.asked) == self.patience:
                raise Unavailable("It is gone.", "Start it.")
            self.asked.append(number)
            yield number, f"<think>Hm.</think>{examples[number].answer}"


def test_what_was_broken_off_asks_nothing_twice(settings: Settings, questions: Path) -> None:
    seen: list[dict[str, Any]] = []
    means = Means(settings, report=seen.append)
    wanted = Wanted([questions], metrics=["exact", "contains"], batch=1)
    first = Parrot(patience=2)
    with pytest.raises(Unavailable):
        score(first, wanted, means, lambda data: kept_for("parrot", data, settings))
    [file] = (settings.home / "answers").glob("*.jsonl")
    with file.open("a", encoding="utf-8") as kept:
        kept.write('\n{"row": 2, "answer": "half a li')  # the process was killed here
    second = Parrot(patience=9)
    found = score(second, wanted, means, lambda data: kept_for("parrot", data, settings))
    assert (first.asked, second.asked) == ([0, 1], [2])
    assert [event["done"] for event in seen] == [1, 2, 3]
    assert found.result["exact"] == found.result["contains"] == 1.0
    third = Parrot(patience=0)
    again = score(third, wanted, means, lambda data: kept_for("parrot", data, settings))
    assert again.predictions == found.predictions
    with pytest.raises(Unavailable):
        score(third, wanted, means, lambda data: kept_for("parrot", data, settings, again=True))


def test_a_server_is_scored_into_a_table_for_spreadsheets(
    settings: Settings, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(pieces=("=1+1 Oslo",), thinking=("Mira lives in Rome?",))
    table = tmp_path / "out.csv"
    with openai_server(script) as address:
        monkeypatch.setenv("WORKBENCH_HOME", str(settings.home))
        monkeypatch.setenv("WORKBENCH_OPENAI_BASE_URL", address)
        asked = ["finetune", "score", "openai:scripted", "--data", str(questions), "--json"]
        refused = CliRunner().invoke(workbench, [*asked, "--metrics", "perplexity"])
        chosen = ["--metrics", "contains,bertscore,exact", "--csv", str(table)]
        chosen += ["--encoder", str(make_encoder(tmp_path / "encoder"))]
        done = CliRunner().invoke(workbench, [*asked, *chosen])
    assert refused.exit_code == 1 and "gives texts alone" in refused.stdout
    assert done.exit_code == 0, done.output
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["event"] == "done" and last["rows"] == 3
    assert last["contains"] == pytest.approx(1 / 3, abs=1e-4)
    assert last["bertscore"]["below"] == sum(
        float(row["F1"]) < 0.6 for row in csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))
    )
    assert last["bertscore"]["shuffled_F1"] > 0 and last["bertscore"]["layer"] == 2
    assert len(script.requests) == 3 and script.requests[0]["temperature"] == 0
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))
    assert rows[0] == ["question", "reference", "prediction", "P", "R", "F1", "contains", "exact"]
    assert rows[1][:3] == ["Where does Mira live?", "Oslo", "'=1+1 Oslo"]
    assert rows[3][1] == "'-3 apples"
    assert len(rows) == 4


def test_perplexity_is_that_of_the_references(
    settings: Settings, questions: Path, tiny_model: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    target = find_target(str(tiny_model), settings)
    wanted = Wanted([questions], metrics=["perplexity"], limit=2)
    found = score(target, wanted, Means(settings))
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    losses = []
    for row, (question, answer) in zip(found.predictions, ROWS, strict=False):
        turn = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        before = tokenizer(prompt)["input_ids"]
        after = tokenizer(f"{answer}<|im_end|>")["input_ids"]
        ids = torch.tensor([before + after])
        labels = torch.tensor([[-100] * len(before) + after])
        with torch.inference_mode():
            loss = float(model(input_ids=ids, labels=labels).loss)
        assert row.figures["perplexity"] == pytest.approx(math.exp(loss), rel=1e-3)
        losses.append((loss * len(after), len(after)))
    total = sum(loss for loss, _ in losses) / sum(tokens for _, tokens in losses)
    assert found.result["perplexity"] == pytest.approx(math.exp(total), rel=1e-3)
    assert "overlap" not in found.result


def test_an_answer_of_calls_is_told_whole(settings: Settings, tmp_path: Path) -> None:
    from tests.tiny_models import make_model, teach

    call = {"name": "find_pictures", "arguments": {"animal": "axolotl", "colour": "white"}}
    said = f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    model = teach(make_model(tmp_path / "model", [said]), [("Show me a white axolotl.", said)])
    answer = {"role": "assistant", "content": "", "tool_calls": [{"function": call}]}
    messages = [{"role": "user", "content": "Show me a white axolotl."}, answer]
    questions = tmp_path / "calls.jsonl"
    questions.write_text(json.dumps({"messages": messages}), "utf-8")
    wanted = Wanted([questions], metrics=["exact"])
    [found] = score(find_target(str(model), settings), wanted, Means(settings)).predictions
    assert found.reference == found.answer == said


def test_calls_in_llamas_form_are_compared_in_the_form_of_references() -> None:
    call = {"name": "add", "arguments": {"a": 2}}
    said = json.dumps({"name": "add", "parameters": {"a": 2}})
    told = f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    assert in_one_form(f"{said}; {said}", "llama") == f"{told}\n{told}"
    for text in (said[:-3], "Two.", '{"total": 2}'):
        assert in_one_form(text, "llama") == text
    assert in_one_form(said, "hermes") == said


def test_who_cannot_be_asked_is_told(settings: Settings, tiny_model: Path) -> None:
    with pytest.raises(NotFound, match="no run nobody"):
        find_target("nobody", settings)
    with pytest.raises(InvalidInput, match="base of a run"):
        find_target(str(tiny_model), settings, base=True)
    assert find_target(f"local:{tiny_model}", settings).digest
