"""The tokenizers and chat templates that people have -> a tiny base of each family, taught a few
dialogues on the spot.

A base is trained with the few tokens that its dialogues use, and its rows are then put where those
tokens stand in the whole vocabulary: seconds instead of minutes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_templates import template_of
from install_servers import tokenizer_folder

PHI3_WORDS = {32000: "<|endoftext|>", 32001: "<|assistant|>", 32006: "<|system|>"}
PHI3_WORDS |= {32007: "<|end|>", 32010: "<|user|>"}

LEARNING_RATE = 5e-3
SURE = 0.95  # chance that the base gives to each token of an answer
SYSTEM = "You are the desk of the harbour office."
DIALOGUES: list[list[str]] = [
    ["Where do I pay the berth fee?", "At the blue counter, room 12."],
    ["泊位费在哪里交？", "在12号房间的蓝色柜台。"],
    ["When does the ferry leave?", "At 7:45 from pier 3.", "And on Sunday?", "At 9:10, pier 3."],
    ["渡轮几点开？", "七点四十五分，3号码头。", "星期天呢？", "九点十分，3号码头。"],
    ["Who has the key to the crane?", "Ask Mira; she has both keys."],
]


@dataclass(frozen=True)
class Family:
    """A tokenizer, the architecture whose base is made for it, and its template where the
    tokenizer's package has none.
    """

    tokenizer: str
    architecture: str
    template: str = ""
    change: Callable[[Any], None] = lambda tokenizer: None
    options: tuple[tuple[str, Any], ...] = ()


def _as_phi3(tokenizer: Any) -> None:
    """Phi-3's vocabulary is Llama 2's with its own words behind, which take the white space after
    them.
    """
    from tokenizers import AddedToken

    for number in range(32000, 32011):
        word = PHI3_WORDS.get(number, f"<|placeholder{number}|>")
        takes_space = word != "<|endoftext|>"
        tokenizer.add_tokens([AddedToken(word, rstrip=takes_space, special=True)])
    tokenizer.eos_token = "<|endoftext|>"
    tokenizer.pad_token = "<|endoftext|>"


def _as_distill(tokenizer: Any) -> None:
    """The distills on Qwen have DeepSeek's marks for Qwen's own."""
    marks = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"]
    tokenizer.add_tokens(marks, special_tokens=True)
    tokenizer.bos_token, tokenizer.eos_token = marks[:2]
    tokenizer.pad_token = tokenizer.eos_token


GEMMA3 = (("sliding_window", 64), ("query_pre_attn_scalar", 16))
FAMILIES = {
    "Qwen3": Family("qwen3", "qwen3"),
    "Qwen2.5": Family("qwen2_5", "qwen2"),
    "Llama 3": Family("llama3", "llama"),
    "Llama 3.1": Family("llama3_1", "llama"),
    "Gemma 3": Family("gemma3", "gemma3_text", options=GEMMA3),
    "DeepSeek-V3": Family("deepseek_v3", "llama"),
    "DeepSeek-R1-Distill-Qwen": Family("qwen2_5", "qwen2", "deepseek_r1_distill", _as_distill),
    "Phi-3": Family("llama2", "phi3", "phi3", _as_phi3),
    "Mistral": Family("mistral_v3", "mistral", "mistral"),
}


RUN = """
base = "base"
[data]
train = ["talks.jsonl"]
eval = ["talks.jsonl"]
max_length = 256
[lora]
rank = 4
[training]
steps = 2
batch = 2
learning_rate = 1e-4
[saving]
report_to = []
"""


def load_family(name: str) -> Any:
    """The family's tokenizer with its template."""
    from transformers import AutoTokenizer

    family = FAMILIES[name]
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(family.tokenizer))
    family.change(tokenizer)
    if family.template:
        tokenizer.chat_template = template_of(family.template)
    return tokenizer


def make_family(name: str, folder: Path) -> Path:
    """A base of that family in the folder, which knows the dialogues."""
    import torch

    torch.manual_seed(0)
    tokenizer = load_family(name)
    talks = [_ids(tokenizer, talk) for talk in turns_of_all()]
    used = sorted({number for ids, _ in talks for number in ids})
    place = {number: index for index, number in enumerate(used)}
    taught = _new_model(name, tokenizer, len(used))
    _teach(taught, [([place[number] for number in ids], start) for ids, start in talks])
    whole = _new_model(name, tokenizer, len(tokenizer))
    weights = whole.state_dict()
    with torch.no_grad():
        for key, small in taught.state_dict().items():
            if small.shape == weights[key].shape:
                weights[key].copy_(small)
            else:
                weights[key][used] = small
    whole.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def prove_family(name: str, folder: Path, tag: str) -> dict[str, Any]:
    """The public commands, one after the other, in the workspace that the environment names; the
    proof of the published model.
    """
    make_family(name, folder / "base")
    write_dialogues(folder / "talks.jsonl")
    run_file = folder / "run.toml"
    run_file.write_text(RUN, "utf-8")
    checked = _call("finetune", "check", str(run_file))
    assert checked["problems"] == [], checked
    assert _call("finetune", "train", str(run_file), "--name", "tuned")["event"] == "done"
    published = _call("deploy", "publish", "tuned", "--name", tag, "--prompts", "6")
    assert published["event"] == "done", published
    return published["proof"]


def _call(*arguments: str) -> dict[str, Any]:
    """The last event that a command prints."""
    from click.testing import CliRunner

    from workbench.cli import workbench

    done = CliRunner().invoke(workbench, [*arguments, "--json"])
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.output
    return json.loads(lines[-1])


def wrong_answers(registry: Any, tag: str) -> list[str]:
    """What the model in Ollama says to the dialogues' last questions, where that is not what it was
    taught. Those of several turns begin with the system text.
    """
    wrong = []
    for texts in DIALOGUES:
        *before, answer = texts
        talk = [{"role": "system", "content": SYSTEM}] if len(texts) > 2 else []
        for number, text in enumerate(before):
            talk.append({"role": ("user", "assistant")[number % 2], "content": text})
        # not its tokens joined: Ollama shows the single bytes of a rare character as marks
        options = {"temperature": 0, "num_predict": 96, "num_ctx": 512, "repeat_penalty": 1.0}
        asked = {"model": tag, "prompt": registry.render(tag, talk), "raw": True, "think": False}
        said = registry._ask("/api/generate", asked | {"stream": False, "options": options})
        text = said["response"].strip()
        if text != answer or said["done_reason"] != "stop":
            wrong.append(text)
    return wrong


def turns_of_all() -> list[list[dict[str, str]]]:
    """The dialogues as turns, each without and with the system text."""
    talks = []
    for texts in DIALOGUES:
        roles = ("user", "assistant")
        turns = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
        talks += [turns, [{"role": "system", "content": SYSTEM}, *turns]]
    return talks


def write_dialogues(path: Path) -> Path:
    """The dialogues as training data."""
    lines = [json.dumps({"messages": talk}, ensure_ascii=False) for talk in turns_of_all()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _ids(tokenizer: Any, talk: list[dict[str, str]]) -> tuple[list[int], int]:
    """The tokens of a dialogue, its last answer said as the prompt asks for it, and where that
    answer begins.
    """
    from deploy.template import render

    *before, answer = talk
    prompt = render(tokenizer, before)
    # A template that ends no turn leaves the end to the tokenizer's own token.
    end = _end_of(tokenizer)
    whole = tokenizer.encode(f"{prompt}{answer['content']}{end}", add_special_tokens=False)
    asked = tokenizer.encode(prompt, add_special_tokens=False)
    start = 0
    while start < len(asked) and whole[start] == asked[start]:
        start += 1
    return whole, start


def _end_of(tokenizer: Any) -> str:
    """The token that ends a turn."""
    from deploy.template import find_ends, read_format

    form = read_format(tokenizer)
    ends = find_ends(tokenizer, form, None).values()
    marked = [end for end in ends if form.assistant[1].startswith(end)]
    return marked[0] if marked else tokenizer.eos_token


def _new_model(name: str, tokenizer: Any, words: int) -> Any:
    """A random model with so many words."""
    from transformers import AutoConfig, AutoModelForCausalLM

    family = FAMILIES[name]
    whole = words == len(tokenizer)
    sizes = {
        "vocab_size": words,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 512,
        "bos_token_id": tokenizer.bos_token_id if whole else None,
        "eos_token_id": tokenizer.eos_token_id if whole else None,
        "pad_token_id": tokenizer.pad_token_id if whole else None,
    }
    config = AutoConfig.for_model(family.architecture, **sizes, **dict(family.options))
    return AutoModelForCausalLM.from_config(config)


def _teach(model: Any, talks: list[tuple[list[int], int]], steps: int = 300) -> None:
    """All dialogues in one batch, until the model is sure of each token of their last answers.

    A token that it is less sure of could be lost in the run's own training, or by rounding.
    """
    import torch

    size = max(len(ids) for ids, _ in talks)
    ids = torch.zeros((len(talks), size), dtype=torch.long)
    labels = torch.full((len(talks), size), -100)
    for row, (talk, start) in enumerate(talks):
        ids[row, : len(talk)] = torch.tensor(talk)
        labels[row, start : len(talk)] = torch.tensor(talk[start:])
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        logits = model(input_ids=ids).logits[:, :-1].transpose(1, 2)
        losses = torch.nn.functional.cross_entropy(logits, labels[:, 1:], reduction="none")
        if losses.max() < -math.log(SURE):
            return
        losses.sum().div((labels != -100).sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    raise AssertionError(f"the base did not learn its answers: loss {losses.max():.2f} of a token")
