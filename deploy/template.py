"""A tokenizer's Jinja chat template -> the format of its turns -> Ollama's TEMPLATE and stops.

The template is not parsed. It renders short conversations of marked words, and the text around the
words is the format. So a family is recognised by its output, whatever the model is called. A format
that Ollama's language cannot express is refused here; the server would ramble without an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from workbench.artefacts.model_folder import end_tokens
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.chat_format import fold_system
from workbench.models.reasoning import CLOSE, OPEN
from workbench.models.rendering import render_template

Turn = dict[str, Any]  # {"role": "system" | "user" | "assistant", "content": text}
Place = Literal["own", "first", "last", "nowhere"]

# Words that no template writes by itself.
SYSTEM_TEXT = "QSYSTEMQ"
FIRST_QUESTION = "QASKONEQ"
REPLY = "QREPLYQ"
SECOND_QUESTION = "QASKTWOQ"

SYSTEM: Turn = {"role": "system", "content": SYSTEM_TEXT}
TALK: list[Turn] = [
    {"role": "user", "content": FIRST_QUESTION},
    {"role": "assistant", "content": REPLY},
    {"role": "user", "content": SECOND_QUESTION},
]
# A template that escapes its text shows it with this one.
HARD = 'Line one\n\n  "two" <three> {four} 五 — it\'s'

# Templates' own names of the switch for thinking.
SWITCHES = ("enable_thinking", "thinking")

# Text before a user's turn -> the family's name; the first match counts.
FAMILIES = [
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
class SystemForm:
    """Where a template puts the system text: in a turn of its own, in the first or last user turn,
    nowhere.
    """

    place: Place = "nowhere"
    around: tuple[str, str] = ("", "")
    default: str = ""
    """Written where a conversation has no system text, markers included."""


@dataclass(frozen=True)
class Thinking:
    """How a template's switch opens a reply with thinking and without."""

    switch: str
    """The template's own name of it."""
    on: str
    off: str


@dataclass(frozen=True)
class Format:
    """How turns are written: (before, after) of each role, and the text that opens prompt and
    reply.
    """

    opening: str
    user: tuple[str, str]
    assistant: tuple[str, str]
    reply: str
    system: SystemForm = SystemForm()
    strips: bool = False
    """Whether white space around a turn's text is dropped."""
    starts_with_bos: bool = False
    thinking: Thinking | None = None

    @property
    def family(self) -> str:
        for mark, name in FAMILIES:
            if mark in self.user[0]:
                return name
        return "its own"

    @property
    def thinks(self) -> bool:
        """Whether replies think first, as far as the template knows."""
        return bool(self.thinking) or self.reply.rstrip().endswith(OPEN)

    def switched(self, thinks: bool) -> Format:
        """The format with thinking switched on or off, where the template has a switch."""
        if not self.thinking:
            return self
        return replace(self, reply=self.thinking.on if thinks else self.thinking.off)

    def render(self, talk: Sequence[Turn]) -> str:
        """The prompt without the begin-of-text token, to check against the Jinja template."""
        system = None
        turns = list(talk)
        if turns[0]["role"] == "system":
            system = turns.pop(0)["content"]
        text = self.opening
        if system is None:
            text += self.system.default
        elif self.system.place == "own":
            text += system.join(self.system.around)
        for number, turn in enumerate(turns):
            before, after = self.user if turn["role"] == "user" else self.assistant
            text += before
            if system is not None and self._carries_system(number, len(turns)):
                text += system.join(self.system.around)
            text += turn["content"] + after
        return text + self.reply

    def _carries_system(self, number: int, count: int) -> bool:
        if self.system.place == "first":
            return number == 0
        return self.system.place == "last" and number == count - 1

    def ollama(self) -> str:
        """The same format in Ollama's template language, Go's text/template."""
        system_before, system_after = map(_literal, self.system.around)
        user_before, user_after = map(_literal, self.user)
        assistant_before, assistant_after = map(_literal, self.assistant)
        text = _literal(self.opening)
        if self.system.default:
            text += "{{ if not .System }}" + _literal(self.system.default) + "{{ end }}"
        text += "{{ range $i, $m := .Messages }}"
        branch = "if"
        if self.system.place == "own":
            text += '{{ if eq .Role "system" }}' + system_before + "{{ .Content }}" + system_after
            branch = "else if"
        text += "{{ " + branch + ' eq .Role "user" }}'
        text += user_before + self._system_inside() + "{{ .Content }}" + user_after
        text += '{{ else if eq .Role "assistant" }}'
        text += assistant_before + self._thought() + "{{ .Content }}" + assistant_after
        return text + "{{ end }}{{ end }}" + self._opened_reply()

    def _thought(self) -> str:
        """The thinking of a reply that is to be continued; that of earlier ones is left out.

        Ollama tells by these marks that the model thinks, and keeps its thinking apart.
        """
        if not self.thinks:
            return ""
        condition = "and .Thinking (eq (len (slice $.Messages $i)) 1)"
        return "{{ if " + condition + " }}" + f"{OPEN}{{{{ .Thinking }}}}{CLOSE}" + "{{ end }}"

    def _opened_reply(self) -> str:
        """The reply's opening, as the server's switch for thinking stands."""
        if not self.thinking:
            return _literal(self.reply)
        on, off = map(_literal, (self.thinking.on, self.thinking.off))
        return "{{ if and .IsThinkSet (not .Think) }}" + off + "{{ else }}" + on + "{{ end }}"

    def _system_inside(self) -> str:
        """The system text inside a user turn. Ollama still lists it as the first message."""
        conditions = {"first": "le $i 1", "last": "eq (len (slice $.Messages $i)) 1"}
        condition = conditions.get(self.system.place)
        if not condition:
            return ""
        before, after = map(_literal, self.system.around)
        start = "{{ if and $.System (" + condition + ") }}"
        return start + before + "{{ $.System }}" + after + "{{ end }}"


# of a model that goes on with a text, and knows no turns
WORDS_ALONE = Format("", ("", ""), ("", ""), "", SystemForm("own"))


def read_format(tokenizer: Any) -> Format:
    """The format that the tokenizer's template renders.

    Raises InvalidInput for a model without a template, and for a template beyond Ollama's language.
    """
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The model has no chat template: it continues text.",
            "Publish it with --modelfile FILE that says TEMPLATE {{ .Prompt }}, "
            "or tune it on conversations.",
        )
    for sample in _ways_to_read(tokenizer):
        found = _derive(sample)
        if found and all(_agrees(tokenizer, found, talk) for talk in _test_talks()):
            return replace(found, thinking=_read_thinking(tokenizer, found))
    raise InvalidInput(
        "The model's chat template depends on more than who speaks, "
        "so it cannot be written in Ollama's language.",
        "Write the TEMPLATE by hand and publish with --modelfile FILE; "
        "the proof will compare it with the model's own.",
    )


def _read_thinking(tokenizer: Any, found: Format) -> Thinking | None:
    """The template's switch for thinking, where it changes nothing but the reply's opening."""
    for switch in SWITCHES:
        if switch not in str(tokenizer.chat_template):
            continue
        openings = []
        for thinks in (True, False):
            text = render(tokenizer, TALK[:1], **{switch: thinks})
            openings.append(_after(text, FIRST_QUESTION).removeprefix(found.user[1]))
        thinking = Thinking(switch, *openings)
        if found.reply in openings and thinking.on != thinking.off:
            switched = replace(found, thinking=thinking)
            if all(_switches(tokenizer, switched, talk) for talk in _test_talks()):
                return thinking
    return None


def _switches(tokenizer: Any, found: Format, talk: list[Turn]) -> bool:
    """Whether a conversation is the template's own with thinking on and off."""
    return all(_agrees(tokenizer, found.switched(thinks), talk, thinks) for thinks in (True, False))


@dataclass(frozen=True)
class _Sample:
    """One way to read a template."""

    tokenizer: Any
    strips_bos: bool
    """The begin-of-text token is written by the server.

    Where every turn begins with it, it is part of the turn.
    """
    always_replies: bool
    """Some templates open a reply after the last turn, whether asked to or not."""
    strips_eos: bool = False
    """Some templates end a conversation with the end-of-text token where no reply is asked for."""

    def render(self, talk: Sequence[Turn], reply: bool = False) -> str:
        text = render(self.tokenizer, talk, reply)
        if self.strips_bos:
            text = text.removeprefix(self.tokenizer.bos_token or "")
        if self.strips_eos:
            text = text.removesuffix(self.tokenizer.eos_token or "")
        return text

    @property
    def starts_with_bos(self) -> bool:
        bos = self.tokenizer.bos_token
        return bool(self.strips_bos and bos and render(self.tokenizer, TALK).startswith(bos))

    @property
    def strips_text(self) -> bool:
        padded = f" {FIRST_QUESTION} "
        return padded not in self.render([{"role": "user", "content": padded}])


def _ways_to_read(tokenizer: Any) -> list[_Sample]:
    bos = tokenizer.bos_token
    ways = [
        _Sample(tokenizer, strips_bos=True, always_replies=False),
        _Sample(tokenizer, strips_bos=True, always_replies=True),
        _Sample(tokenizer, strips_bos=False, always_replies=False),
        _Sample(tokenizer, strips_bos=False, always_replies=True),
        _Sample(tokenizer, strips_bos=True, always_replies=False, strips_eos=True),
    ]
    rendered = render(tokenizer, TALK)
    if bos and rendered.startswith(bos) and rendered.count(bos) > 1:
        # as SmolLM2's, which opens every turn, its default system text included
        return [way for way in ways if not way.strips_bos]
    return ways


def _derive(sample: _Sample) -> Format | None:
    """Take turn after turn off the rendered text; None where the pieces do not fit."""
    rendered = sample.render(TALK)
    for word in (FIRST_QUESTION, REPLY, SECOND_QUESTION):
        if rendered.count(word) != 1:
            return None  # the template rewrites or repeats a turn
    start, rest = rendered.split(FIRST_QUESTION)
    user_to_reply, rest = rest.split(REPLY)
    reply_to_user, _ = rest.split(SECOND_QUESTION)

    user_end = _after(sample.render(TALK[:1]), FIRST_QUESTION)
    assistant_end = _after(sample.render(TALK[:2]), REPLY)
    asked = _after(sample.render(TALK[:1], reply=True), FIRST_QUESTION)
    reply = asked.removeprefix(user_end)
    if sample.always_replies:
        # The endings above include the opened reply: separate it by the next user turn.
        user_start = _common_end(start, reply_to_user)
        turn_end = reply_to_user.removesuffix(user_start)
        reply = assistant_end.removeprefix(turn_end)
        assistant_end = turn_end
        user_end = user_end.removesuffix(reply)

    assistant_start = user_to_reply.removeprefix(user_end)
    user_start = reply_to_user.removeprefix(assistant_end)
    if not user_start:
        return WORDS_ALONE  # where that is all of it; otherwise it will not agree
    if not start.endswith(user_start):
        return None
    opening = start.removesuffix(user_start)
    opening, system = _derive_system(sample, opening, user_start)
    return Format(
        opening=opening,
        user=(user_start, user_end),
        assistant=(assistant_start, assistant_end),
        reply=reply,
        system=system,
        strips=sample.strips_text,
        starts_with_bos=sample.starts_with_bos,
    )


def _derive_system(sample: _Sample, opening: str, user_start: str) -> tuple[str, SystemForm]:
    """(text that opens every prompt, where the system text goes)."""
    rendered = sample.render([SYSTEM, *TALK])
    if rendered.count(SYSTEM_TEXT) != 1:
        return opening, SystemForm()
    before, after = rendered.split(SYSTEM_TEXT)
    default = ""
    if before.startswith(opening):
        before = before.removeprefix(opening)
    else:
        # The text that opens a prompt without a system text is a default system turn.
        default = opening
        opening = ""
    to_first_question = after.split(FIRST_QUESTION)[0]
    inside_user_turn = not to_first_question or not to_first_question.endswith(user_start)
    if not inside_user_turn:
        around = (before, to_first_question.removesuffix(user_start))
        return opening, SystemForm("own", around, default)
    in_turn = before.rpartition(user_start)[2]
    if FIRST_QUESTION in after:
        return opening, SystemForm("first", (in_turn, to_first_question), default)
    to_second_question = after.split(SECOND_QUESTION)[0]
    return opening, SystemForm("last", (in_turn, to_second_question), default)


def _after(text: str, word: str) -> str:
    return text.partition(word)[2]


def _common_end(one: str, other: str) -> str:
    """The longest text that both end with."""
    size = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        size += 1
    return one[len(one) - size :]


def _test_talks() -> list[list[Turn]]:
    """Conversations that a format must render exactly as the template does."""
    hard: Turn = {"role": "user", "content": HARD}
    long = [*TALK, {"role": "assistant", "content": "Fine."}, hard]
    return [[hard], TALK, long, [SYSTEM, hard], [SYSTEM, *TALK], [SYSTEM, *long]]


def _agrees(tokenizer: Any, found: Format, talk: list[Turn], thinks: bool | None = None) -> bool:
    if found.system.place == "nowhere" and talk[0] is SYSTEM:
        return True  # both the template and Ollama drop the system text
    bos = tokenizer.bos_token if found.starts_with_bos else ""
    options = {} if thinks is None or not found.thinking else {found.thinking.switch: thinks}
    return bos + found.render(talk) == render(tokenizer, talk, **options)


def render(tokenizer: Any, talk: Sequence[Turn], reply: bool = True, **options: bool) -> str:
    """The template's text of a conversation, the same as in training and in
    `workbench.models.local`.

    `options` are switches of the template. Where it refuses a system role, the system text opens
    the first turn.
    """
    from jinja2 import TemplateError

    try:
        return render_template(tokenizer, talk, add_generation_prompt=reply, **options)
    except TemplateError as error:
        if talk[0]["role"] != "system" or len(talk) < 2:
            raise InvalidInput(
                say("The chat template refuses a conversation: {error}", error=error),
                "Publish with --modelfile FILE.",
            ) from error
    return render(tokenizer, fold_system(talk), reply, **options)


def opens_with_bos(tokenizer: Any) -> bool:
    """Whether a prompt begins with the begin-of-text token: by the template, or else by the
    tokenizer itself.
    """
    bos = tokenizer.bos_token
    if not bos:
        return False
    if tokenizer.chat_template:
        return render(tokenizer, TALK).startswith(bos)
    return tokenizer.encode("a")[0] == tokenizer.bos_token_id


def find_ends(
    tokenizer: Any, found: Format | None, named: int | list[int] | None
) -> dict[int, str]:
    """Every token that ends a reply, id -> text: the tokenizer's, the model's (`named`), the
    template's.
    """
    vocabulary = tokenizer.get_vocab()
    ids = set(end_tokens(tokenizer, named))
    if found:
        # Some templates mark no end of a turn: the next speaker's mark ends it.
        turn_end = (found.assistant[1] + found.user[0]).lstrip()
        closing = [word for word in tokenizer.get_added_vocab() if turn_end.startswith(word)]
        if closing:
            ids.add(vocabulary[max(closing, key=len)])
    return {number: tokenizer.convert_ids_to_tokens(number) for number in sorted(ids)}


def _literal(text: str) -> str:
    """Text as a Go template writes it unchanged."""
    return text.replace("{{", '{{ "{{" }}')
