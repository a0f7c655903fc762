"""A tokenizer's Jinja chat template -> how it renders turns -> Ollama's TEMPLATE, the stops, and the family's name.

The template is not read but asked: it renders short conversations of marked words, and what stands around the words
is the format. So a family is recognised by what it renders, whatever the model is called, and a format that cannot be
written in Ollama's language is refused here instead of rambling there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from workbench.artefacts.model_folder import end_tokens
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.chat_format import fold_system

Message = dict[str, Any]
S, U, A, V = (
    "QSYSTEMQ",
    "QASKONEQ",
    "QREPLYQ",
    "QASKTWOQ",
)  # words that no template writes by itself
SYSTEM: Message = {"role": "system", "content": S}
TALK: list[Message] = [
    {"role": "user", "content": U},
    {"role": "assistant", "content": A},
    {"role": "user", "content": V},
]
HARD = 'Line one\n\n  "two" <three> {four} 五 — it\'s'  # escaping would show here

FAMILIES = [  # what stands before a user's turn -> the family's name
    ("<|im_start|>user<|im_sep|>", "Phi-4"),
    ("<|im_start|>user", "ChatML"),
    ("<|start_header_id|>user", "Llama 3"),
    ("<start_of_turn>user", "Gemma"),
    ("<｜User｜>", "DeepSeek"),
    ("<|User|>", "DeepSeek"),
    ("[INST]", "Mistral"),
    ("<|user|>", "GLM or Phi-3"),
    ("<|start_of_role|>user", "Granite"),
    ("### ", "Alpaca"),
    ("USER:", "Vicuna"),
]


@dataclass(frozen=True)
class Format:
    """How turns are written: (before, after) of each role, and what opens the text and the reply.

    `system_in` says where a system text goes: a turn of its own, or inside the first or the last user turn.
    """

    opening: str
    user: tuple[str, str]
    assistant: tuple[str, str]
    reply: str
    system: tuple[str, str] = ("", "")
    system_in: Literal["own", "first", "last", "nowhere"] = "nowhere"
    default_system: str = ""  # what is written where no system text is given, markers and all
    strips: bool = False  # white space around a turn's text is dropped
    starts_with_bos: bool = False

    @property
    def family(self) -> str:
        return next((name for mark, name in FAMILIES if mark in self.user[0]), "its own")

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text without the begin-of-text token, for checking against the Jinja template."""
        system = messages[0]["content"] if messages[0]["role"] == "system" else None
        turns = messages[1:] if system is not None else messages
        text = self.opening
        if system is None:
            text += self.default_system
        elif self.system_in == "own":
            text += system.join(self.system)
        for number, turn in enumerate(turns):
            before, after = self.user if turn["role"] == "user" else self.assistant
            here = {"first": number == 0, "last": number == len(turns) - 1}.get(
                self.system_in, False
            )
            folded = system.join(self.system) if system is not None and here else ""
            text += before + folded + turn["content"] + after
        return text + self.reply

    def ollama(self) -> str:
        """The same in Ollama's template language."""
        lines = [_literal(self.opening)]
        if self.default_system:
            lines.append("{{ if not .System }}" + _literal(self.default_system) + "{{ end }}")
        lines.append("{{ range $i, $m := .Messages }}")
        start = "if"
        if self.system_in == "own":
            before, after = map(_literal, self.system)
            lines.append('{{ if eq .Role "system" }}' + before + "{{ .Content }}" + after)
            start = "else if"
        before, after = map(_literal, self.user)
        lines.append(
            "{{ "
            + start
            + ' eq .Role "user" }}'
            + before
            + self._folded()
            + "{{ .Content }}"
            + after
        )
        before, after = map(_literal, self.assistant)
        lines.append('{{ else if eq .Role "assistant" }}' + before + "{{ .Content }}" + after)
        return "".join([*lines, "{{ end }}{{ end }}", _literal(self.reply)])

    def _folded(self) -> str:
        """The system text inside a user turn; Ollama's messages still hold it as the first one."""
        if self.system_in not in ("first", "last"):
            return ""
        here = {"first": "le $i 1", "last": "eq (len (slice $.Messages $i)) 1"}[self.system_in]
        before, after = map(_literal, self.system)
        return (
            "{{ if and $.System (" + here + ") }}" + before + "{{ $.System }}" + after + "{{ end }}"
        )


def read_format(tokenizer: Any) -> Format:
    """The format that the tokenizer's template renders. Raises InvalidInput where it has none that Ollama can write."""
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The model has no chat template: it continues text.",
            "Publish it with --modelfile FILE that says TEMPLATE {{ .Prompt }}, or tune it on conversations.",
        )
    # where every turn begins with the begin-of-text token, that token is part of the turn;
    # and some templates open a reply after whatever came last, asked to or not
    for strip, always_replies in product((True, False), (False, True)):
        found = _derive(tokenizer, strip, always_replies)
        if found and all(_agrees(tokenizer, found, talk) for talk in _talks()):
            return found
    raise InvalidInput(
        "The model's chat template depends on more than who speaks, so it cannot be written in Ollama's language.",
        "Write the TEMPLATE by hand and publish with --modelfile FILE; the proof will compare it with the model's own.",
    )


def _derive(tokenizer: Any, strip: bool, always_replies: bool) -> Format | None:
    """Turn after turn is taken off what the template renders; None where the pieces do not fit."""

    def shown(talk: Sequence[Message], reply: bool = False) -> str:
        text = render(tokenizer, talk, reply)
        return text.removeprefix(tokenizer.bos_token or "") if strip else text

    turns = shown(TALK)
    if any(turns.count(word) != 1 for word in (U, A, V)):
        return None  # the template rewrites or repeats what was said
    start, user_to_reply, reply_to_user = _between(turns, [U, A, V])
    user_end, assistant_end = shown(TALK[:1]).partition(U)[2], shown(TALK[:2]).partition(A)[2]
    reply = shown(TALK[:1], True).partition(U)[2].removeprefix(user_end)
    if always_replies:
        ending = assistant_end
        assistant_end = reply_to_user[: -len(_common_end(start, reply_to_user)) or None]
        reply = ending.removeprefix(assistant_end)
        user_end = user_end.removesuffix(reply)
    assistant_start = user_to_reply.removeprefix(user_end)
    user_start = reply_to_user.removeprefix(assistant_end)
    if not user_start or not start.endswith(user_start):
        return None
    opening, system, place, default = start.removesuffix(user_start), ("", ""), "nowhere", ""
    with_system = shown([SYSTEM, *TALK])
    if with_system.count(S) == 1:
        before, after = with_system.split(S)
        if before.startswith(opening):
            before = before[len(opening) :]
        else:
            opening, default = "", opening
        if after.startswith(U) or not after.split(U)[0].endswith(user_start):
            place = "first" if U in after else "last"
            system = (before.rpartition(user_start)[2], after.split(U if U in after else V)[0])
        else:
            place, system = "own", (before, after.split(U)[0].removesuffix(user_start))
    padded = f" {U} "
    return Format(
        opening,
        (user_start, user_end),
        (assistant_start, assistant_end),
        reply,
        system,
        place,  # type: ignore[arg-type]
        default,
        strips=padded not in shown([{"role": "user", "content": padded}]),
        starts_with_bos=bool(
            strip
            and tokenizer.bos_token
            and render(tokenizer, TALK).startswith(tokenizer.bos_token)
        ),
    )


def _between(text: str, words: Sequence[str]) -> list[str]:
    """What stands before each of the words, from the word before on."""
    pieces = []
    for word in words:
        piece, _, text = text.partition(word)
        pieces.append(piece)
    return pieces


def _common_end(one: str, other: str) -> str:
    """The longest text that both end with."""
    size = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        size += 1
    return one[len(one) - size :]


def _talks() -> list[list[Message]]:
    """Conversations that a format must render as the template does."""
    hard: Message = {"role": "user", "content": HARD}
    long = [*TALK, {"role": "assistant", "content": "Fine."}, hard]
    return [[hard], TALK, long, [SYSTEM, hard], [SYSTEM, *TALK], [SYSTEM, *long]]


def _agrees(tokenizer: Any, found: Format, talk: list[Message]) -> bool:
    bos = tokenizer.bos_token if found.starts_with_bos else ""
    if found.system_in == "nowhere" and talk[0] is SYSTEM:
        return True  # the template drops a system text, and so does Ollama's
    return bos + found.render(talk) == render(tokenizer, talk)


def render(tokenizer: Any, talk: Sequence[Message], reply: bool = True) -> str:
    """What the template makes of a conversation, as in the training and in `workbench.local_model`: where it knows no
    system role, the system text opens the first turn."""
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            list(talk), tokenize=False, add_generation_prompt=reply
        )
    except TemplateError as error:
        if talk[0]["role"] != "system" or len(talk) < 2:
            raise InvalidInput(
                say("The chat template refuses a conversation: {error}", error=error),
                "Publish with --modelfile FILE.",
            ) from error
        return render(tokenizer, fold_system(talk), reply)


def find_ends(
    tokenizer: Any, found: Format | None, named: int | list[int] | None
) -> dict[int, str]:
    """Every token that ends a reply, id -> text: the tokenizer's, those `named` by the model, the template's own."""
    words = tokenizer.get_vocab()
    ids = set(end_tokens(tokenizer, named))
    if found:
        turn_end = (
            found.assistant[1] + found.user[0]
        ).lstrip()  # some mark no end, only the next speaker
        closing = [word for word in tokenizer.get_added_vocab() if turn_end.startswith(word)]
        ids |= {words[word] for word in sorted(closing, key=len)[-1:]}
    return {number: tokenizer.convert_ids_to_tokens(number) for number in sorted(ids)}


def _literal(text: str) -> str:
    """Text as it stands in a Go template."""
    return text.replace("{{", '{{ "{{" }}')
