"""What a chat template renders becomes Ollama's TEMPLATE; one golden text per family, each
rendering the same.
"""

from __future__ import annotations

from typing import Any

import pytest
from tiny_models import make_tokenizer

from deploy.modelfile import Modelfile, read_modelfile
from deploy.ollama_registry import Registry
from deploy.template import WORDS_ALONE, Thinking, find_ends, read_format, render
from finetune.train.pretrain import PLAIN
from workbench.errors import InvalidInput

# name -> (chat template, begin of text, tokens of its own, TEMPLATE, ends)
FAMILIES: dict[str, tuple[str, str, list[str], str, list[str]]] = {
    "ChatML": (
        "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "",
        [],
        "{{ if not .System }}<|im_start|>system\nBe kind.<|im_end|>\n{{ end }}{{ range $i, $m := .Messages }}"
        '{{ if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant\n{{ .Content }}<|im_end|>\n'
        "{{ end }}{{ end }}<|im_start|>assistant\n",
        ["<|endoftext|>", "<|im_end|>"],
    ),
    "Llama 3": (
        "{% for m in messages %}{% set text = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' "
        "+ m['content'] | trim + '<|eot_id|>' %}{{ bos_token + text if loop.first else text }}{% endfor %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}",
        "<|begin_of_text|>",
        ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "{{ range $i, $m := .Messages }}"
        '{{ if eq .Role "system" }}<|start_header_id|>system<|end_header_id|>\n\n{{ .Content }}<|eot_id|>'
        '{{ else if eq .Role "user" }}<|start_header_id|>user<|end_header_id|>\n\n{{ .Content }}<|eot_id|>'
        '{{ else if eq .Role "assistant" }}<|start_header_id|>assistant<|end_header_id|>\n\n{{ .Content }}<|eot_id|>'
        "{{ end }}{{ end }}<|start_header_id|>assistant<|end_header_id|>\n\n",
        ["<|endoftext|>", "<|eot_id|>"],
    ),
    "Gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
        "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        "<bos>",
        ["<bos>", "<start_of_turn>", "<end_of_turn>"],
        '{{ range $i, $m := .Messages }}{{ if eq .Role "user" }}<start_of_turn>user\n'
        "{{ if and $.System (le $i 1) }}{{ $.System }}\n\n{{ end }}{{ .Content }}<end_of_turn>\n"
        '{{ else if eq .Role "assistant" }}<start_of_turn>model\n{{ .Content }}<end_of_turn>\n'
        "{{ end }}{{ end }}<start_of_turn>model\n",
        ["<|endoftext|>", "<end_of_turn>"],
    ),
    "Mistral": (
        "{% if messages[0]['role'] == 'system' %}{% set system, talk = messages[0]['content'], messages[1:] %}"
        "{% else %}{% set system, talk = '', messages %}{% endif %}{{ bos_token }}{% for m in talk %}"
        "{% if m['role'] == 'user' %}[INST] {% if loop.last and system %}{{ system }}\n\n{% endif %}{{ m['content'] }}"
        "[/INST]{% else %} {{ m['content'] }}</s>{% endif %}{% endfor %}",
        "<s>",
        ["<s>", "</s>", "[INST]", "[/INST]"],
        '{{ range $i, $m := .Messages }}{{ if eq .Role "user" }}[INST] '
        "{{ if and $.System (eq (len (slice $.Messages $i)) 1) }}{{ $.System }}\n\n{{ end }}{{ .Content }}[/INST]"
        '{{ else if eq .Role "assistant" }} {{ .Content }}</s>{{ end }}{{ end }}',
        ["<|endoftext|>", "</s>"],
    ),
    "Phi-4": (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}<|im_sep|>{{ m['content'] }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}",
        "",
        ["<|im_sep|>"],
        '{{ range $i, $m := .Messages }}{{ if eq .Role "system" }}<|im_start|>system<|im_sep|>{{ .Content }}<|im_end|>'
        '{{ else if eq .Role "user" }}<|im_start|>user<|im_sep|>{{ .Content }}<|im_end|>'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant<|im_sep|>{{ .Content }}<|im_end|>'
        "{{ end }}{{ end }}<|im_start|>assistant<|im_sep|>",
        ["<|endoftext|>", "<|im_end|>"],
    ),
    "GLM or Phi-3": (
        "[gMASK]<sop>{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        "",
        ["[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|system|>"],
        '[gMASK]<sop>{{ range $i, $m := .Messages }}{{ if eq .Role "system" }}<|system|>\n{{ .Content }}'
        '{{ else if eq .Role "user" }}<|user|>\n{{ .Content }}'
        '{{ else if eq .Role "assistant" }}<|assistant|>\n{{ .Content }}{{ end }}{{ end }}<|assistant|>',
        ["<|endoftext|>", "<|user|>"],
    ),
    "DeepSeek": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}{% endif %}"
        "{% for m in messages %}{% if m['role'] == 'user' %}<｜User｜>{{ m['content'] }}"
        "{% elif m['role'] == 'assistant' %}<｜Assistant｜>{{ m['content'].split('</think>')[-1] }}<｜end▁of▁sentence｜>"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
        "<｜begin▁of▁sentence｜>",
        ["<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"],
        '{{ range $i, $m := .Messages }}{{ if eq .Role "system" }}{{ .Content }}'
        '{{ else if eq .Role "user" }}<｜User｜>{{ .Content }}'
        '{{ else if eq .Role "assistant" }}<｜Assistant｜>'
        "{{ if and .Thinking (eq (len (slice $.Messages $i)) 1) }}<think>{{ .Thinking }}</think>{{ end }}"
        "{{ .Content }}<｜end▁of▁sentence｜>"
        "{{ end }}{{ end }}<｜Assistant｜><think>\n",
        ["<|endoftext|>", "<｜end▁of▁sentence｜>"],
    ),
}


def family(name: str) -> Any:
    """A tokenizer with that family's template and tokens; its own end of text is another than the
    turn's end.
    """
    template, bos, tokens, _, _ = FAMILIES[name]
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.add_special_tokens(
        {"additional_special_tokens": tokens, "eos_token": "<|endoftext|>"}
    )
    if bos:
        tokenizer.bos_token = bos
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("name", FAMILIES)
def test_each_familys_template_is_golden(name: str) -> None:
    tokenizer = family(name)
    found = read_format(tokenizer)
    assert found.family == name
    assert found.ollama() == FAMILIES[name][3]
    assert list(find_ends(tokenizer, found, None).values()) == FAMILIES[name][4]
    assert found.starts_with_bos == bool(FAMILIES[name][1])


@pytest.mark.parametrize("name", FAMILIES)
def test_the_format_renders_long_talks_as_the_template_does(name: str) -> None:
    tokenizer = family(name)
    found, bos = read_format(tokenizer), FAMILIES[name][1]
    talk = [{"role": "system", "content": "你是助手。\n回答要简短。"}] + [
        {"role": ("user", "assistant")[i % 2], "content": text}
        for i, text in enumerate(["a", "b", "c", "d", "{{e}}"])
    ]
    checked = 0
    for turns in (talk, talk[1:], talk[:2], talk[1:2]):
        assert bos + found.render(turns) == render(tokenizer, turns)
        checked += 1
    assert checked == 4


def test_a_model_that_goes_on_with_text_gets_the_words_alone() -> None:
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.chat_template = PLAIN
    found = read_format(tokenizer)
    assert found == WORDS_ALONE
    talk = [{"role": "system", "content": "S "}, {"role": "user", "content": "Once {{ x }}"}]
    assert found.render(talk) == render(tokenizer, talk) == "S Once {{ x }}"


SWITCHED = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)


def test_a_switch_for_thinking_is_ollamas_own() -> None:
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.chat_template = SWITCHED
    found = read_format(tokenizer)
    assert found.thinking == Thinking(
        "enable_thinking",
        "<|im_start|>assistant\n",
        "<|im_start|>assistant\n<think>\n\n</think>\n\n",
    )
    assert found.ollama().endswith(
        "{{ if and .IsThinkSet (not .Think) }}<|im_start|>assistant\n<think>\n\n</think>\n\n"
        "{{ else }}<|im_start|>assistant\n{{ end }}"
    )
    # one that changes the turns as well has no such form, and stays as the template is by itself
    tokenizer.chat_template = SWITCHED.replace(
        "{{ m['content'] }}", "{{ m['content'] }}{% if enable_thinking == false %}/quiet{% endif %}"
    )
    assert read_format(tokenizer).thinking is None


def test_an_end_of_text_behind_a_closed_talk_is_no_part_of_a_turn() -> None:
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.add_special_tokens({"eos_token": "<|endoftext|>"})
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
    )
    found = read_format(tokenizer)
    assert found.assistant == ("<|assistant|>\n", "<|end|>\n") and found.reply == "<|assistant|>\n"


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m['role'] }} {{ loop.index }}: {{ m['content'] }}\n{% endfor %}",
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | upper }}{% endfor %}",
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | e }}{% endfor %}",
    ],
)
def test_a_template_that_ollama_cannot_write_is_refused(template: str) -> None:
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.chat_template = template
    with pytest.raises(InvalidInput) as caught:
        read_format(tokenizer)
    assert "--modelfile" in caught.value.fix


def test_a_model_without_a_template_says_what_to_do() -> None:
    tokenizer = make_tokenizer(["text"], 300)
    tokenizer.chat_template = None
    with pytest.raises(InvalidInput, match="no chat template"):
        read_format(tokenizer)


def test_a_modelfile_reads_as_it_was_written() -> None:
    written = Modelfile(
        "{{ range .Messages }}<|x|>\n{{ .Content }}\n{{ end }}",
        ("<|end|>", "###"),
        'Say "hi".\nBe brief.',
        {"temperature": 0.1, "num_ctx": 4096},
    )
    assert read_modelfile(written.text()) == written
    assert written.text() == (
        "FROM ./model.gguf\n\n"
        'TEMPLATE """{{ range .Messages }}<|x|>\n{{ .Content }}\n{{ end }}"""\n\n'
        'SYSTEM """Say "hi".\nBe brief."""\n\n'
        "PARAMETER temperature 0.1\nPARAMETER num_ctx 4096\n"
        'PARAMETER stop "<|end|>"\nPARAMETER stop "###"\n'
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM x\nSYSTEM hello\n", "no TEMPLATE"),
        ('TEMPLATE """a"""\nPARAMETER num_ctx many\n', "num_ctx"),
        ('TEMPLATE """a"""\nMESSAGE user hello\n', "MESSAGE"),
        ('TEMPLATE """a"""\nSYSTEM """hello\n', "does not end"),
        ('TEMPLATE """a"""\nPARAMETER\n', "PARAMETER"),
    ],
)
def test_a_modelfile_that_cannot_be_used_names_the_line(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_modelfile(text)


@pytest.mark.ollama
def test_a_real_ollama_renders_every_family_byte_for_byte(ollama_server: str) -> None:
    registry = Registry(ollama_server)
    talk = [{"role": "system", "content": "你是助手。\n回答要简短。"}] + [
        {"role": ("user", "assistant")[i % 2], "content": text}
        for i, text in enumerate(["a", "b", "c {{d}}"])
    ]
    checked = 0
    for name in FAMILIES:
        tokenizer = family(name)
        registry.create(
            "family",
            {"from_": "tiny", "template": read_format(tokenizer).ollama()},
            lambda status: None,
        )
        for turns in (talk, talk[1:], talk[:2], talk[1:2]):
            assert registry.render("family", turns) == render(tokenizer, turns).removeprefix(
                FAMILIES[name][1]
            ), name
            checked += 1
    registry.delete("family")
    assert checked == 28
