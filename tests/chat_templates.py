"""Chat templates by family (those that TRL carries, three of our own) -> their tokenizers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

# Mistral's habits: no generation prompt, strict turns, the system prompt in the *last* question
MISTRAL = """{%- if messages[0]['role'] == 'system' %}
{%- set system = messages[0]['content'] %}{%- set turns = messages[1:] %}
{%- else %}{%- set turns = messages %}{%- endif %}{{- '<s>' }}
{%- for turn in turns %}
{%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('roles must alternate') }}{%- endif %}
{%- if turn['role'] == 'user' %}
{{- '[INST] ' + (system + '\n\n' if loop.last and system is defined else '') }}
{{- turn['content'] + '[/INST]' }}
{%- else %}{{- ' ' + turn['content'] + '</s>' }}{%- endif %}{%- endfor %}"""
# GLM-4's: a turn has no end of its own, the next one's role ends it
GLM4 = """{{- '[gMASK]<sop>' }}{%- for turn in messages %}
{{- '<|' + turn['role'] + '|>\n' + turn['content'] }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"""
# the answer's turn is begun by the model itself: a prompt ends with the question
PLAIN = (
    "{%- for turn in messages %}"
    "{{- '### ' + turn['role'] + '\n' + turn['content'] + '\n\n' }}"
    "{%- endfor %}"
)
OWN = {"mistral": MISTRAL, "glm4": GLM4}
TRL = (
    "qwen2_5",
    "qwen3",
    "llama3",
    "llama3_1",
    "gemma",
    "gemma3",
    "phi3",
    "glm4moe",
    "deepseek_r1_distill",
    "gptoss",
)
FAMILIES = ("chatml", *OWN, *TRL)
SPECIAL = r"<[|｜][^<>|｜]+[|｜]>|<(?:start|end)_of_turn>|\[/?INST\]|\[gMASK\]|<sop>|</?s>|<bos>"
ENDS = {
    "chatml": "<|im_end|>",
    "mistral": "</s>",
    "glm4": "<|endoftext|>",
    "qwen2_5": "<|im_end|>",
    "qwen3": "<|im_end|>",
    "llama3": "<|eot_id|>",
    "llama3_1": "<|eot_id|>",
    "gemma": "<end_of_turn>",
    "gemma3": "<end_of_turn>",
    "phi3": "<|end|>",
    "glm4moe": "<|endoftext|>",
    "deepseek_r1_distill": "<｜end▁of▁sentence｜>",
    "gptoss": "<|return|>",
}


def template_of(family: str) -> str:
    """The template's text."""
    import trl

    from finetune.encoding.chat_template import CHATML

    if family in TRL:
        return (Path(trl.__file__).parent / "chat_templates" / f"{family}.jinja").read_text("utf-8")
    return CHATML if family == "chatml" else OWN[family]


def tokenizer_of(family: str, texts: list[str], words: int = 600) -> Any:
    """A small byte-level tokenizer that has the special tokens of this family's template."""
    from tiny_models import make_tokenizer

    template = template_of(family)
    tokenizer = make_tokenizer(texts, words)
    names = sorted(
        set(re.findall(SPECIAL, template))
        | {f"<|{role}|>" for role in ("user", "assistant", "system")}
    )
    tokenizer.add_special_tokens({"additional_special_tokens": names})
    tokenizer.add_special_tokens({"eos_token": "<|endoftext|>", "bos_token": "<s>"})
    tokenizer.chat_template = template
    return tokenizer
