"""The same conversations through transformers and through Ollama -> where, if anywhere, the two part.

Both answer greedily. Compared are the rendered prompt (byte for byte), the number of its tokens, the tokens of the
answer, where it ends, and each token's log-probability.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry, Reply
from deploy.template import Message, render
from workbench.models.weights import LoadedModel, load_local

TOKENS = 64
IDENTICAL = 0.95  # share of prompts that must agree token for token at f16
DRIFT = {
    "f16": 0.05,
    "bf16": 0.1,
    "q8_0": 0.1,
    "q4_K_M": 0.5,
}  # mean change of log-probability that is let pass, in nats
ASKED: list[
    list[str]
] = [  # where the run has no held-out conversations of a kind; turns alternate, the user begins
    ["What can you help me with?"],
    ["你能帮我做什么？"],
    ["Good morning.", "Good morning! What is it?", "Sum it up in one sentence."],
    ["早上好。", "早上好！请问有什么事？", "请用一句话总结。"],
]
PROBES = [  # texts that the usual pre-tokenizers cut differently
    "In 1234567 days, 3.14159 and 2026-11-24",
    "I'M sure they'LL don't, we've IT'S",
    "a  b   c\n\n\n  d\t\te \r\n f",
    "我想在apple工作1314151天～，《红楼梦》第120回",
    "x=foo(bar[0]);;; // ==!= {}<>",
    "🏮 нещо на Български ÄÖÜß",
]


@dataclass(frozen=True)
class Check:
    """One conversation. `part` says what differs first: template, tokenizer, stop or weights; empty if nothing does."""

    question: str
    part: str = ""
    place: int = 0  # the token (or, for a template, the character) at which they part
    expected: str = ""
    got: str = ""
    rendered_equal: bool = True
    changes: tuple[float, ...] = ()  # |difference of log-probability| of each token that both gave


@dataclass(frozen=True)
class Proof:
    """What was compared, and whether it may be published."""

    precision: str
    checks: list[Check] = field(default_factory=list)
    words: list[Check] = field(default_factory=list)  # texts that only the tokenizers saw

    @property
    def identical(self) -> float:
        return sum(not check.part for check in self.checks) / max(len(self.checks), 1)

    @property
    def rendered_equal(self) -> float:
        return sum(check.rendered_equal for check in self.checks) / max(len(self.checks), 1)

    @property
    def drift(self) -> float:
        changes = [change for check in self.checks for change in check.changes]
        return sum(changes) / len(changes) if changes else 0.0

    @property
    def parts(self) -> list[Check]:
        return [check for check in [*self.checks, *self.words] if check.part]

    @property
    def passed(self) -> bool:
        """Template, tokenizer and stops must agree always; the tokens as far as the precision allows."""
        if not self.checks or any(
            check.part in ("template", "tokenizer", "stop") for check in self.parts
        ):
            return False
        alike = self.identical >= IDENTICAL or self.precision != "f16"
        return alike and self.drift <= DRIFT[self.precision]

    @property
    def reason(self) -> str:
        """Where they part, in a sentence; empty where it passed."""
        if self.passed:
            return ""
        order = ("template", "tokenizer", "stop", "weights")
        worst = min(self.parts, key=lambda check: order.index(check.part), default=None)
        if not worst:
            return f"The log-probabilities differ by {self.drift:.3f} on average."
        what = {
            "template": f"the prompt differs from character {worst.place} on",
            "tokenizer": "the prompt is cut into other tokens",
            "stop": f"the reply does not end where it should, after {worst.place} tokens",
            "weights": f"the reply parts at token {worst.place}",
        }[worst.part]
        return f"{worst.part}: at {worst.question[:60]!r} {what}: {worst.expected!r} here, {worst.got!r} in Ollama."

    def summary(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "prompts": len(self.checks),
            "identical": round(self.identical, 4),
            "rendered_equal": round(self.rendered_equal, 4),
            "logprob_change": round(self.drift, 5),
            "precision": self.precision,
            "reason": self.reason,
        }

    def report(self) -> dict[str, Any]:
        """The summary with every conversation, to be kept."""
        checks = [
            asdict(check) | {"changes": [round(change, 5) for change in check.changes]}
            for check in self.checks
        ]
        return self.summary() | {"checks": checks, "words": [asdict(check) for check in self.words]}


def prove(
    registry: Registry,
    model: str,
    folder: Path,
    ends: Iterable[int],
    system: str,
    precision: str,
    talks: list[list[Message]],
    context: int,
    report: Callable[[int, int], None],
) -> Proof:
    """Compare the Ollama model with the one in the folder. `system` is what Ollama puts before every conversation."""
    loaded = load_local(folder)
    proof, stops = Proof(precision), sorted(ends)
    with loaded.base.lock:
        loaded.choose_adapter()
        for number, talk in enumerate(talks):
            report(number, len(talks))
            proof.checks.append(_compare(registry, model, loaded, stops, system, talk, context))
    report(len(talks), len(talks))
    for text in PROBES:
        ours, theirs = (
            len(loaded.tokenizer.encode(text)),
            registry.prompt_tokens(model, text, context),
        )
        part = "" if ours == theirs else "tokenizer"
        proof.words.append(Check(text, part, 0, f"{ours} tokens", f"{theirs} tokens"))
    return proof


def _compare(
    registry: Registry,
    model: str,
    loaded: LoadedModel,
    ends: list[int],
    system: str,
    talk: list[Message],
    context: int,
) -> Check:
    """One conversation through both."""
    question = talk[-1]["content"]
    whole = (
        [{"role": "system", "content": system}, *talk]
        if system and talk[0]["role"] != "system"
        else talk
    )
    prompt = render(loaded.tokenizer, whole)
    ids = loaded.tokenizer.encode(prompt, add_special_tokens=False)
    shown = registry.render(model, talk)
    said = registry.reply(model, talk, TOKENS, context)
    bos = loaded.tokenizer.bos_token or ""
    if shown != prompt and (
        not bos or shown != prompt.removeprefix(bos)
    ):  # else Ollama adds the token by itself
        place = next(i for i, (a, b) in enumerate(zip_longest(prompt, shown)) if a != b)
        return Check(
            question,
            "template",
            place,
            prompt[place:][:40],
            shown[place:][:40],
            rendered_equal=False,
        )
    if said.prompt_tokens not in (
        len(ids),
        0,
    ):  # Ollama tells none where it broke off a reply that repeats itself
        return Check(question, "tokenizer", 0, f"{len(ids)} tokens", f"{said.prompt_tokens} tokens")
    texts = {_plain(token.encode()) for token in loaded.tokenizer.convert_ids_to_tokens(ends)}
    return compare_replies(question, _answer(loaded, ids, ends), said, texts)


def compare_replies(question: str, ours: Reply, theirs: Reply, ends: set[str]) -> Check:
    """Where the answers part, and how far the log-probabilities are apart up to there. `ends` are the end tokens."""
    same = 0
    for one, other in zip(ours.tokens, theirs.tokens, strict=False):
        if _plain(one) != _plain(other):
            break
        same += 1
    pairs = zip(ours.logprobs[:same], theirs.logprobs[:same], strict=True)
    changes = tuple(abs(one - other) for one, other in pairs)
    if same == len(ours.tokens) == len(theirs.tokens) and ours.stopped == theirs.stopped:
        return Check(question, changes=changes)
    expected, got = (
        b"".join(reply.tokens[same:])[:40].decode("utf-8", "replace") for reply in (ours, theirs)
    )
    ran_over = (
        ours.stopped and same == len(ours.tokens) and _plain(theirs.tokens[same]) in ends | {""}
    )
    part = (
        "stop" if ran_over else "weights"
    )  # a server that says the end token and goes on does not know it
    return Check(question, part, same, expected or "the end", got or "the end", changes=changes)


def _answer(loaded: LoadedModel, ids: list[int], ends: list[int]) -> Reply:
    """The greedy answer of the model in memory."""
    import torch

    model, tokenizer = loaded.base.model, loaded.tokenizer
    prompt = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        out = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=TOKENS,
            do_sample=False,
            eos_token_id=ends,
            pad_token_id=ends[0] if ends else 0,
            output_logits=True,
            return_dict_in_generate=True,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
        )
    new = out.sequences[0][len(ids) :].tolist()
    chances = [
        logits[0].float().log_softmax(-1)[token].item()
        for token, logits in zip(new, out.logits, strict=True)
    ]
    stopped = bool(new) and new[-1] in ends
    if stopped:
        new, chances = new[:-1], chances[:-1]
    return Reply([tokenizer.decode([token]).encode() for token in new], chances, stopped, len(ids))


def _plain(token: bytes) -> str:
    """A token's text without what servers and libraries write differently: parts of characters, a leading space."""
    return token.decode("utf-8", "replace").replace("\ufffd", "").strip(" ▁")


def choose_talks(
    held_out: Path, count: int, fits: Callable[[list[Message]], bool]
) -> list[list[Message]]:
    """Conversations to ask: held-out ones of both languages, of one and of many turns, in turn; our own fill gaps."""
    kinds: dict[tuple[bool, bool], list[list[Message]]] = {
        (zh, many): [] for many in (False, True) for zh in (False, True)
    }
    for talk in _read_talks(held_out):
        if fits(talk):
            kinds[_kind(talk)].append(talk)
    for turns in ASKED:
        talk = [
            {"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(turns)
        ]
        if not kinds[_kind(talk)] and fits(talk):
            kinds[_kind(talk)].append(talk)
    return [talk for talk in chain(*zip_longest(*kinds.values())) if talk][:count]


def _kind(talk: list[Message]) -> tuple[bool, bool]:
    zh = any("\u4e00" <= letter <= "\u9fff" for message in talk for letter in message["content"])
    return zh, sum(message["role"] == "user" for message in talk) > 1


def _read_talks(path: Path) -> list[list[Message]]:
    """Each line's conversation up to its last reply; those with tools are left out, TEMPLATE has no form for them."""
    talks = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        data = json.loads(line)
        messages = data.get("messages") or []
        while messages and messages[-1]["role"] != "user":
            messages = messages[:-1]
        plain = all(
            m["role"] in ("system", "user", "assistant") and isinstance(m["content"], str)
            for m in messages
        )
        if messages and plain and not data.get("tools"):
            talks.append([{"role": m["role"], "content": m["content"]} for m in messages])
    return talks
