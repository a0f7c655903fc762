"""A model on this disk: it streams whole characters, stops, switches adapters, keeps its limits."""

from __future__ import annotations

import json
import shutil
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from tiny_models import PAIRS, make_model, make_tokenizer, teach

from workbench.artefacts.model_folder import digest_of
from workbench.errors import InvalidInput, NotFound
from workbench.models.chat_format import fit_prompt
from workbench.models.local import LocalChatModel
from workbench.models.pieces import decode_whole, until
from workbench.models.weights import load_local


def chat_model(folder: Path, **options: Any) -> LocalChatModel:
    return LocalChatModel(
        folder=str(folder),
        **{"temperature": 0.0, "context_tokens": 512, "answer_tokens": 120, **options},
    )


@pytest.fixture(scope="module")
def adapters(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """Two LoRA adapters of the tiny model, each with PEFT's own answer to the first question."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    turns = [{"role": "user", "content": PAIRS[0][0]}]
    prompt = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    found: dict[Path, str] = {}
    for seed in (1, 2):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(tiny_model)
        config = LoraConfig(
            r=8, lora_alpha=32, target_modules="all-linear", init_lora_weights=False
        )
        model = get_peft_model(base, config).eval()
        folder = tmp_path_factory.mktemp("runs") / f"run-{seed}" / "adapter"
        model.save_pretrained(folder)
        made = model.generate(**prompt, do_sample=False, max_new_tokens=20)[
            0, prompt["input_ids"].shape[1] :
        ]
        found[folder] = tokenizer.decode(made, skip_special_tokens=True)
    assert len({PAIRS[0][1], *found.values()}) == 3
    return found


@pytest.mark.parametrize(("question", "reply"), PAIRS)
def test_it_streams_what_it_was_taught(tiny_model: Path, question: str, reply: str) -> None:
    pieces = [str(chunk.content) for chunk in chat_model(tiny_model).stream([("user", question)])]
    assert "".join(pieces) == reply
    assert len([piece for piece in pieces if piece]) > 1
    assert not any("\ufffd" in piece for piece in pieces)


def test_invoke_gives_the_same_text_as_the_stream(tiny_model: Path) -> None:
    assert chat_model(tiny_model).invoke(PAIRS[0][0]).content == PAIRS[0][1]


def test_characters_cut_into_bytes_are_held_until_they_are_whole() -> None:
    tokenizer = make_tokenizer([], 259)  # bytes only
    text = "naïve 红楼梦 🏮 かな end"
    pieces = list(decode_whole(tokenizer, tokenizer.encode(text)))
    assert pieces == list(text)


def test_an_answer_cut_in_a_character_leaves_no_broken_one() -> None:
    tokenizer = make_tokenizer([], 259)
    assert "".join(decode_whole(tokenizer, tokenizer.encode("好🏮")[:-1])) == "好"


def test_closing_the_stream_stops_the_model_and_frees_it_for_the_next(tiny_model: Path) -> None:
    threads = threading.active_count()
    stream = chat_model(tiny_model).stream([("user", PAIRS[5][0])])
    assert next(stream).content
    stream.close()
    assert threading.active_count() == threads
    assert chat_model(tiny_model).invoke(PAIRS[0][0]).content == PAIRS[0][1]


def test_two_answers_at_once_wait_for_each_other(tiny_model: Path) -> None:
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = str(chat_model(tiny_model).invoke(PAIRS[number][0]).content)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: PAIRS[number][1] for number in range(4)}


def test_it_stops_at_every_end_token_of_its_template(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other-end"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**config, "eos_token": "<|endoftext|>"}), "utf-8"
    )
    for name in ("generation_config.json", "config.json"):
        data = json.loads((folder / name).read_text("utf-8"))
        (folder / name).write_text(json.dumps({**data, "eos_token_id": 0}), "utf-8")
    assert chat_model(folder).invoke(PAIRS[0][0]).content == PAIRS[0][1]


def test_the_oldest_turns_are_left_out_when_the_context_is_full(tiny_model: Path) -> None:
    tokenizer = load_local(tiny_model).tokenizer
    turns = [{"role": "system", "content": "Be brief."}]
    for number in range(20):
        turns += [
            {"role": "user", "content": f"question {number}"},
            {"role": "assistant", "content": f"reply {number}"},
        ]
    turns.append({"role": "user", "content": "the last one"})
    prompt = fit_prompt(tokenizer, turns, 150)["input_ids"][0]
    text = tokenizer.decode(prompt)
    assert len(prompt) <= 150
    assert (
        "Be brief." in text
        and "the last one" in text
        and "question 19" in text
        and "question 0<" not in text
    )
    assert len(turns) == 42, "the caller's list stays as it was"


def test_a_question_longer_than_the_context_says_so(tiny_model: Path) -> None:
    with pytest.raises(InvalidInput, match="has room for"):
        list(chat_model(tiny_model).stream([("user", "word " * 2000)]))


def test_a_context_shorter_than_the_answer_still_answers(tiny_model: Path) -> None:
    assert (
        chat_model(tiny_model, context_tokens=8192, answer_tokens=4000).invoke(PAIRS[0][0]).content
        == PAIRS[0][1]
    )


def test_a_template_without_system_role_gets_it_in_the_first_turn(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "no-system"
    shutil.copytree(tiny_model, folder)
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    )
    (folder / "chat_template.jinja").write_text(
        refusing + (folder / "chat_template.jinja").read_text("utf-8"), "utf-8"
    )
    tokenizer = load_local(folder).tokenizer
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    text = tokenizer.decode(fit_prompt(tokenizer, turns, 200)["input_ids"][0])
    assert "Be brief.\n\nHello" in text


def test_a_block_of_thinking_opened_by_the_template_is_told(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "thinker"
    shutil.copytree(tiny_model, folder)
    template = (folder / "chat_template.jinja").read_text("utf-8")
    (folder / "chat_template.jinja").write_text(
        template.replace("assistant\n'", "assistant\n<think>\n'"), "utf-8"
    )
    assert str(next(chat_model(folder).stream("Hello")).content) == "<think>"


def test_stop_strings_end_the_text_even_across_pieces() -> None:
    assert "".join(until(["one tw", "o thr", "ee four"], ["three"])) == "one two "
    assert "".join(until(["one tw", "o"], ["twelve"])) == "one two"


def test_adapters_are_switched_on_one_base(tiny_model: Path, adapters: dict[Path, str]) -> None:
    replies = {tiny_model: PAIRS[0][1], **adapters}
    first, second = adapters
    for folder in (tiny_model, first, second, tiny_model, first):
        text = str(chat_model(folder, answer_tokens=20).invoke(PAIRS[0][0]).content)
        assert text == replies[folder].rstrip("\ufffd")
    assert load_local(first).base is load_local(second).base is load_local(tiny_model).base


def test_an_adapter_that_was_trained_again_is_loaded_again(
    adapters: dict[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    for source, reply in adapters.items():
        shutil.copytree(source, folder, dirs_exist_ok=True)
        assert chat_model(folder, answer_tokens=20).invoke(PAIRS[0][0]).content == reply.rstrip(
            "\ufffd"
        )


def test_an_adapter_whose_base_is_gone_says_where_it_looked(
    adapters: dict[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(next(iter(adapters)), folder)
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    gone = str(tmp_path / "gone")
    (folder / "adapter_config.json").write_text(
        json.dumps({**config, "base_model_name_or_path": gone}), "utf-8"
    )
    with pytest.raises(NotFound, match="gone"):
        chat_model(folder).invoke("Hello")


def test_a_model_with_code_of_its_own_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with-code"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    code = {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"},
    }
    (folder / "config.json").write_text(json.dumps(config | code), "utf-8")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", "utf-8")
    with pytest.raises(NotFound, match="cannot be loaded"):
        chat_model(folder).invoke("Hello")
    assert not (tmp_path / "ran").exists()


def test_weights_that_would_be_unpickled_are_refused(tmp_path: Path) -> None:
    import torch

    folder = make_model(tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(NotFound, match="cannot be loaded"):
        chat_model(folder).invoke("Hello")


def test_the_digest_follows_the_weights(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    before = digest_of(folder)
    time.sleep(0.01)
    assert digest_of(folder) == before
    teach(folder, PAIRS[:1], steps=60)
    assert digest_of(folder) != before


def test_a_base_at_work_makes_no_other_model_wait(
    tiny_model: Path, adapters: dict[Path, str], tmp_path: Path
) -> None:
    other = shutil.copytree(next(iter(adapters)), tmp_path / "other" / "adapter")
    base = load_local(tiny_model).base
    loaded: list[Any] = []
    with base.lock:  # as a stream has it for a whole answer
        for folder in (other, tiny_model):
            thread = threading.Thread(
                target=lambda folder=folder: loaded.append(load_local(folder)), daemon=True
            )
            thread.start()
            thread.join(30)
        assert len(loaded) == 2


def test_only_the_last_used_bases_stay_in_memory(tmp_path: Path) -> None:
    folders = [make_model(tmp_path / f"base-{number}") for number in range(3)]
    first, second, third = (weakref.ref(load_local(folder).base) for folder in folders)
    assert first() is None
    assert load_local(folders[1]).base is second()
    assert load_local(folders[2]).base is third()
    assert load_local(folders[0]).base is not None and second() is None
