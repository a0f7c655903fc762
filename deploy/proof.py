"""The same conversations through transformers and through Ollama -> where, if anywhere, the two
part.

Both answer greedily. Compared are the rendered prompt (byte for byte), the number of its tokens,
the tokens of the answer, its end, and each token's log-probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from deploy.ollama_registry import Registry, Reply
from deploy.pretokenizer import PROBES
from deploy.template import Format, Turn, render
from workbench.messages import say
from workbench.models.weights import LoadedModel, load_local

Part = Literal["template", "tokenizer", "stop", "weights", ""]

TOKENS = 64  # of each answer
IDENTICAL = 0.95  # share of conversations that must agree token for token at f16
# Mean change of log-probability that passes, in nats.
DRIFT = {"f16": 0.05, "bf16": 0.1, "q8_0": 0.1, "q4_K_M": 0.5, "q4_1": 0.1}
# The first of these that differs explains the rest.
ORDER = ("template", "tokenizer", "stop", "weights")
MUST_AGREE = ("template", "tokenizer", "stop")


@dataclass(frozen=True)
class Check:
    """One conversation, or one text, through both."""

    question: str
    part: Part = ""
    """What differs first; empty where nothing does."""
    place: int = 0
    """The token at which they part; for a template the character."""
    expected: str = ""
    got: str = ""
    rendered_equal: bool = True
    changes: tuple[float, ...] = ()
    """|difference of log-probability| of each token that both gave."""
    tokens: int = 0
    """How many tokens the trained model's answer has."""


@dataclass(frozen=True)
class Proof:
    """All checks, and whether the model may be published."""

    precision: str
    checks: list[Check] = field(default_factory=list)
    words: list[Check] = field(default_factory=list)
    """Texts that only the tokenizers saw."""

    @property
    def identical(self) -> float:
        """Share of conversations without a difference."""
        same = sum(not check.part for check in self.checks)
        return same / max(len(self.checks), 1)

    @property
    def same_tokens(self) -> float:
        """Share of the trained model's tokens that Ollama gives too, up to where they part."""
        same = sum(len(check.changes) for check in self.checks)
        tokens = sum(check.tokens for check in self.checks)
        return same / max(tokens, 1)

    @property
    def rendered_equal(self) -> float:
        """Share of conversations whose prompts are the same bytes."""
        same = sum(check.rendered_equal for check in self.checks)
        return same / max(len(self.checks), 1)

    @property
    def drift(self) -> float:
        """Mean change of log-probability over all tokens that both gave, in nats."""
        changes = [change for check in self.checks for change in check.changes]
        return sum(changes) / max(len(changes), 1)

    @property
    def differences(self) -> list[Check]:
        return [check for check in [*self.checks, *self.words] if check.part]

    @property
    def passed(self) -> bool:
        """Template, tokenizer and stops must agree always; the tokens as far as the precision
        allows.
        """
        if not self.checks:
            return False
        if any(check.part in MUST_AGREE for check in self.differences):
            return False
        if self.precision == "f16" and self.identical < IDENTICAL:
            return False
        return self.drift <= DRIFT[self.precision]

    @property
    def worst(self) -> Check | None:
        """The difference that explains the others."""
        return min(self.differences, key=lambda check: ORDER.index(check.part), default=None)

    @property
    def reason(self) -> str:
        """Where they part, in a sentence; empty where the proof passed."""
        if self.passed:
            return ""
        worst = self.worst
        if not worst:
            return say("The log-probabilities differ by {drift:.3f} on average.", drift=self.drift)
        return say(
            "{part}: at {question!r} {difference}: {expected!r} here, {got!r} in Ollama.",
            part=worst.part,
            question=worst.question[:60],
            difference=_in_words(worst),
            expected=worst.expected,
            got=worst.got,
        )

    def summary(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "prompts": len(self.checks),
            "identical": round(self.identical, 4),
            "same_tokens": round(self.same_tokens, 4),
            "rendered_equal": round(self.rendered_equal, 4),
            "logprob_change": round(self.drift, 5),
            "precision": self.precision,
            "reason": self.reason,
        }

    def report(self) -> dict[str, Any]:
        """The summary with every conversation, to be stored."""
        checks = []
        for check in self.checks:
            changes = [round(change, 5) for change in check.changes]
            checks.append(asdict(check) | {"changes": changes})
        words = [asdict(check) for check in self.words]
        return self.summary() | {"checks": checks, "words": words}


def _in_words(check: Check) -> str:
    if check.part == "template":
        return say("the prompt differs from character {place} on", place=check.place)
    if check.part == "tokenizer":
        return say("the prompt is cut into other tokens")
    if check.part == "stop":
        return say(
            "the reply does not end where it should, after {place} tokens", place=check.place
        )
    return say("the reply parts at token {place}", place=check.place)


@dataclass(frozen=True)
class Published:
    """The model in Ollama that is to be proven. `system` is the text that Ollama puts first.

    `format` is that of its turns, where they are not written by hand. With `starts_with_bos` the
    server begins every prompt with that token.
    """

    registry: Registry
    name: str
    system: str
    context: int  # tokens
    starts_with_bos: bool = False
    format: Format | None = None

    @property
    def thinks(self) -> bool | None:
        """Whether the training-time template thinks unless told otherwise; None: it cannot be
        told.
        """
        if not self.format or not self.format.thinking:
            return None
        return self.format.reply == self.format.thinking.on


def prove(
    published: Published,
    folder: Path,
    ends: Iterable[int],
    precision: str,
    talks: list[list[Turn]],
    report: Callable[[int, int], None],
) -> Proof:
    """Compare the Ollama model with the one in the folder. `ends` are the ids of the end tokens."""
    loaded = load_local(folder)
    proof = Proof(precision)
    stops = sorted(ends)
    with loaded.base.lock:
        loaded.choose_adapter()
        for number, talk in enumerate(talks):
            report(number, len(talks))
            proof.checks.append(_compare(published, loaded, stops, talk))
    report(len(talks), len(talks))
    proof.words.extend(_compare_words(published, loaded, text) for text in PROBES)
    if published.thinks is not None:
        proof.words.extend(_compare_switched(published, loaded, talk) for talk in talks)
    return proof


def _compare_switched(published: Published, loaded: LoadedModel, talk: list[Turn]) -> Check:
    """A conversation's prompts with the template's switch for thinking the other way."""
    assert published.format and published.format.thinking
    thinks = not published.thinks
    tokenizer = loaded.tokenizer
    switch = {published.format.thinking.switch: thinks}
    prompt = render(tokenizer, with_system(talk, published.system), **switch)
    shown = published.registry.render(published.name, talk, thinks)
    if _same_prompt(prompt, shown, tokenizer.bos_token or ""):
        return Check(talk[-1]["content"])
    return _template_differs(talk[-1]["content"], prompt, shown)


def _compare_words(published: Published, loaded: LoadedModel, text: str) -> Check:
    """One text through both tokenizers, without a template.

    Some tokenizers begin a text with a token by themselves. The template decides of the server's,
    so it decides here too.
    """
    tokenizer = loaded.tokenizer
    opening = tokenizer.bos_token if published.starts_with_bos else ""
    ours = len(tokenizer.encode(opening + text, add_special_tokens=False))
    theirs = published.registry.prompt_tokens(published.name, text, published.context)
    part: Part = "" if ours == theirs else "tokenizer"
    return Check(text, part, expected=f"{ours} tokens", got=f"{theirs} tokens")


def _compare(published: Published, loaded: LoadedModel, ends: list[int], talk: list[Turn]) -> Check:
    """One conversation through both."""
    registry = published.registry
    tokenizer = loaded.tokenizer
    question = talk[-1]["content"]
    prompt = render(tokenizer, with_system(talk, published.system))
    ids = tokenizer.encode(prompt, add_special_tokens=False)
    shown = registry.render(published.name, talk, published.thinks)
    said = registry.continue_text(published.name, shown, TOKENS, published.context)
    if not _same_prompt(prompt, shown, tokenizer.bos_token or ""):
        return _template_differs(question, prompt, shown)
    # Ollama reports no count where it broke off a reply that repeats itself.
    if said.prompt_tokens not in (len(ids), 0):
        expected = f"{len(ids)} tokens"
        return Check(question, "tokenizer", 0, expected, f"{said.prompt_tokens} tokens")
    end_texts = {_plain(token.encode()) for token in tokenizer.convert_ids_to_tokens(ends)}
    return compare_replies(question, _answer(loaded, ids, ends), said, end_texts)


def with_system(talk: list[Turn], system: str) -> list[Turn]:
    """The conversation as the model sees it: the system text first, unless it has its own."""
    if not system or talk[0]["role"] == "system":
        return talk
    return [{"role": "system", "content": system}, *talk]


def _same_prompt(prompt: str, shown: str, bos: str) -> bool:
    """Whether the server's prompt is ours.

    It adds the begin-of-text token by itself, so that one may be missing.
    """
    if shown == prompt:
        return True
    return bool(bos) and shown == prompt.removeprefix(bos)


def _template_differs(question: str, prompt: str, shown: str) -> Check:
    place = 0
    for ours, theirs in zip_longest(prompt, shown):
        if ours != theirs:
            break
        place += 1
    expected = prompt[place : place + 40]
    got = shown[place : place + 40]
    return Check(question, "template", place, expected, got, rendered_equal=False)


def compare_replies(question: str, ours: Reply, theirs: Reply, ends: set[str]) -> Check:
    """Where the answers part, and how far the log-probabilities are apart up to there.

    `ends` are the texts of the end tokens.
    """
    same = 0
    for one, other in zip(ours.tokens, theirs.tokens, strict=False):
        if _plain(one) != _plain(other):
            break
        same += 1
    pairs = zip(ours.logprobs[:same], theirs.logprobs[:same], strict=True)
    changes = tuple(abs(one - other) for one, other in pairs)
    whole = same == len(ours.tokens) == len(theirs.tokens)
    if whole and ours.stopped == theirs.stopped:
        return Check(question, changes=changes, tokens=len(ours.tokens))
    # A server that writes the end token and goes on does not know it as one.
    ours_ended = ours.stopped and same == len(ours.tokens)
    ran_over = ours_ended and _plain(theirs.tokens[same]) in ends | {""}
    return Check(
        question,
        part="stop" if ran_over else "weights",
        place=same,
        expected=_rest(ours, same),
        got=_rest(theirs, same),
        changes=changes,
        tokens=len(ours.tokens),
    )


def _rest(reply: Reply, start: int) -> str:
    rest = b"".join(reply.tokens[start:])[:40]
    return rest.decode("utf-8", "replace") or "the end"


def _answer(loaded: LoadedModel, ids: list[int], ends: list[int]) -> Reply:
    """The greedy answer of the model in memory."""
    import torch

    model = loaded.base.model
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
            # The model's own sampling settings would change a greedy answer, or warn.
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
        )
    new = out.sequences[0][len(ids) :].tolist()
    chances = []
    for token, logits in zip(new, out.logits, strict=True):
        chances.append(logits[0].float().log_softmax(-1)[token].item())
    stopped = bool(new) and new[-1] in ends
    if stopped:
        new = new[:-1]
        chances = chances[:-1]
    texts = [loaded.tokenizer.decode([token]).encode() for token in new]
    return Reply(texts, chances, stopped, len(ids))


def _plain(token: bytes) -> str:
    """A token's text without what server and library write differently: parts of characters, a
    leading space.
    """
    return token.decode("utf-8", "replace").replace("\ufffd", "").strip(" ▁")
