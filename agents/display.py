"""The events of an answer -> what a page shows of them, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from agents.markdown import numbers_cited
from agents.registry import AGENTS
from rag.passages import Passage
from workbench.chat import events as kinds
from workbench.chat.conversations import Message
from workbench.chat.events import Event, Token
from workbench.language import localized, tokens
from workbench.models.listing import NONE

Kind = TypeVar("Kind")

CHOOSING = ("Choosing who answers…", "正在选择由谁回答…")
READING = ("Reading the sources…", "正在阅读来源…")
LINEAGE = {
    # what an answer rests on, as its agent names it -> what a person reads
    "agent": ("Answered by", "回答者"),
    "model": ("Model", "模型"),
    "digest": ("Fingerprint of the model", "模型指纹"),
    "collection": ("Collection", "知识库"),
    "revision": ("Its revision", "知识库版本"),
    "embedder": ("Embedder", "向量模型"),
    "source": ("Database", "数据库"),
    "dialect": ("SQL dialect", "SQL 方言"),
    "writer": ("The query is written by", "查询由谁编写"),
    "tables": ("Tables that were looked at", "查看过的表"),
    "whole_schema": ("The whole schema was given", "是否给出全部表结构"),
    "verified_question": ("Verified question", "已验证的问题"),
    "tools": ("Tools that were called", "调用过的工具"),
    "base": ("Base model", "基础模型"),
    "data_sha256": ("Fingerprint of the training data", "训练数据指纹"),
    "finished": ("Training ended", "训练结束时间"),
    "created": ("Training began", "训练开始时间"),
}
SHOWN_UNCITED = 3  # sources that stand under an answer which cites none
PREVIEWED = 320  # characters of a passage under the pointer
NEIGHBOURS = 2  # passages before and after the cited one


def of_kind(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def first_of(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    """The first event of one kind."""
    return next((event for event in events if isinstance(event, kind)), None)


def last_of(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    """The last event of one kind: an answer is routed again where an agent has none."""
    return first_of(events[::-1], kind)


def text_beside_tables(events: Sequence[Event]) -> str:
    """The answer's text without the rows of a result that the page draws as a table.

    The data agent writes each result twice: as Markdown, for readers of text such as the command
    line and later turns, and right after it as a Table event.
    """
    parts = []
    for number, event in enumerate(events):
        if not isinstance(event, Token):
            continue
        following = events[number + 1] if number + 1 < len(events) else None
        if isinstance(following, kinds.Table):
            lines = event.text.splitlines(keepends=True)
            parts += [line for line in lines if not line.startswith("|")]
        else:
            parts.append(event.text)
    return "".join(parts)


def busy_text(events: Sequence[Event]) -> tuple[str, str]:
    """English and Chinese: what the answer waits for before its first word."""
    routed = last_of(events, kinds.Routed)
    if first_of(events, kinds.Source):
        return READING
    if routed is None or routed.mode not in AGENTS:
        return CHOOSING
    return AGENTS[routed.mode].busy


def cited_first(
    sources: Sequence[kinds.Source], text: str
) -> tuple[list[kinds.Source], list[kinds.Source]]:
    """The sources that the text cites, or the first three where it cites none; and the others."""
    named = numbers_cited(text)
    first = [source for source in sources if source.number in named]
    if not first:
        first = list(sources[:SHOWN_UNCITED])
    rest = [source for source in sources if source not in first]
    return first, rest


@dataclass(frozen=True)
class Preview:
    """A passage as a citation shows it: file, place, first lines."""

    title: str
    place: str
    text: str


def previews(events: Sequence[Event]) -> dict[int, Preview]:
    """Number -> preview, of each source that the answer's text cites."""
    named = numbers_cited(text_beside_tables(events))
    found = {}
    for source in of_kind(events, kinds.Source):
        if source.number in named:
            lines = [line for line in source.text.splitlines() if line.strip()]
            text = "\n".join(lines)
            if len(text) > PREVIEWED:
                text = text[: PREVIEWED - 1] + "…"
            found[source.number] = Preview(Path(source.source).name, source.locator, text)
    return found


def source_label(source: kinds.Source, place: str) -> str:
    """`[2] leave.md · p. 3`: number, file and the last part of the place."""
    label = f"[{source.number}] {Path(source.source).name}"
    if not place:
        return label
    page = place.split(" · ")[0]
    return f"{label} · {page.split(' › ')[-1]}"


def passages_around(passages: Sequence[Passage], passage_id: str) -> list[Passage]:
    """The passage with its neighbours in the document; empty where the document has changed."""
    for row, passage in enumerate(passages):
        if passage.id == passage_id:
            return list(passages[max(0, row - NEIGHBOURS) : row + NEIGHBOURS + 1])
    return []


def effort(done: kinds.Done, language: str) -> str:
    """Model, seconds and speed of an answer, in one line."""
    model = localized(language, "no model", "无模型") if done.model == NONE else done.model
    parts = [model, f"{done.seconds:.1f} {localized(language, 's', '秒')}"]
    if done.tokens and done.generating:  # without retrieval, loading and reading the prompt
        about = "≈ " if done.estimated else ""  # a piece may hold more than one token
        speed = f"{about}{done.tokens / done.generating:.0f}"
        parts.append(f"{speed} {localized(language, 'tokens/s', '词元/秒')}")
    return " · ".join(parts)


@dataclass(frozen=True)
class Fill:
    """How much of its context a model's next prompt takes at least, in tokens."""

    used: int
    window: int
    estimated: bool

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.used / self.window)


def context_fill(messages: Sequence[Message], window: int) -> Fill | None:
    """What the chat so far takes of the context of the model that answered last, None without one.

    Counted where that model has counted what it read and wrote, and read nothing but the chat;
    else estimated from the texts. `window` is the context where the answer does not say it.
    """
    last = first_of(messages[-1].events, kinds.Done) if messages else None
    if last is None or last.model == NONE:
        return None
    window = last.window or window
    only_the_chat = not first_of(messages[-1].events, kinds.Source)
    if last.read and only_the_chat:
        return Fill(last.read + last.tokens, window, estimated=False)
    used = sum(tokens(message.correction or message.content) for message in messages)
    return Fill(used, window, estimated=True)


def context_words(fill: Fill, language: str) -> str:
    """The fill of the context in one line."""
    about = localized(language, "about ", "约 ") if fill.estimated else ""
    used = f"{fill.used:,}"
    window = f"{fill.window:,}"
    return localized(
        language,
        f"context {fill.share:.0%}: {about}{used} of {window} tokens",
        f"上下文 {fill.share:.0%}：{about}{used} / {window} 词元",
    )


def lineage_lines(message: Message, done: kinds.Done, language: str) -> list[tuple[str, str]]:
    """(name, value) of all that an answer rests on, to be read; what is empty is left out."""
    facts = {"agent": agent_label(message.agent, language), "model": done.model, **done.lineage}
    lines = []
    for key, value in facts.items():
        if value in ("", None, [], NONE):
            continue
        name = localized(language, *LINEAGE[key]) if key in LINEAGE else key
        lines.append((name, _as_words(value, language)))
    return lines


def _as_words(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return localized(language, "yes", "是") if value else localized(language, "no", "否")
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {item}" for name, item in value.items())
    return str(value)


def vote_labels(answers: Sequence[Message], language: str) -> dict[int, str]:
    """Message -> what a vote for it is called: by its side, of more than two by its agent."""
    if len(answers) == 2:
        left, right = answers
        return {
            left.id: localized(language, "Left is better", "左边更好"),
            right.id: localized(language, "Right is better", "右边更好"),
        }
    labels = {}
    for answer in answers:
        name = agent_label(answer.mode, language)
        labels[answer.id] = localized(language, f"{name} is better", f"{name}更好")
    return labels


def agent_label(mode: str, language: str) -> str:
    """The agent's name for a person; a mode that no agent has any more as it was stored."""
    return AGENTS[mode].label(language) if mode in AGENTS else mode
