"""A question -> passages of the collection -> an answer in which every claim names its passage."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.budget import fit
from agents.documents.quoting import best_sentences
from rag.calibration import load_calibration
from rag.embeddings import load_embedder
from rag.passages import Hit
from rag.relevance import coverage
from rag.retriever import lexical_index, retrieve
from rag.store import Collection, open_collection
from workbench.chat.conversations import Turn
from workbench.chat.events import Done, Event, Source, Thought, Token
from workbench.language import language_of
from workbench.models.names import (
    NONE,
    describe_model,
    load_chat_model,
    pick_model,
    within_context,
)
from workbench.models.reasoning import split_stream
from workbench.models.stream import ask_model
from workbench.settings import Settings

PROMPTS = Path(__file__).parent
SHORT = 24  # a question of fewer characters may lean on the one before
NOTHING = {
    "en": "The collection “{collection}” holds nothing about this question, so there is no answer from it. "
    "Ask in other words, choose another collection, or add the files that know.",
    "zh": "知识库“{collection}”中没有与这个问题相关的内容，因此无法据此回答。"
    "可以换一种问法、选择其他知识库，或添加包含答案的文件。",
}
EMPTY = {
    "en": "The collection “{collection}” is empty. Add files on the Knowledge page, or drop them into the chat box.",
    "zh": "知识库“{collection}”还没有内容。请在“知识库”页面添加文件，或将文件拖入对话框。",
}
SUPPORTED = (
    0.5  # share of an answer's words, by rarity, that a passage must hold to be named as its source
)
UNSUPPORTED = {
    "en": "\n\n*No passage of the collection supports this answer; do not rely on it.*",
    "zh": "\n\n*知识库中没有段落支持这个回答，请勿直接采信。*",
}
NO_MODEL = {
    "en": "\n\n*Quoted as it stands: no language model is connected. Start Ollama (`ollama pull qwen3:4b`) "
    "or see `workbench doctor` for other ways.*",
    "zh": "\n\n*以上为原文摘录：尚未连接语言模型。启动 Ollama（`ollama pull qwen3:4b`），"
    "或运行 `workbench doctor` 查看其他方式。*",
}


def answer_from_documents(
    question: str, history: Sequence[Turn], settings: Settings
) -> Iterator[Event]:
    """Sources, then thinking and text as the model gives them, then Done. Without a model the best sentences are quoted."""
    begun = time.monotonic()
    collection = open_collection(settings, settings.collection)
    language = language_of(question)
    asked = _with_context(question, history)
    hits = retrieve(asked, collection, settings, settings.passages)
    lineage: dict[str, Any] = {
        "collection": collection.name,
        "revision": collection.revision,
        "embedder": collection.embedder,
    }
    if not any(hit.relevant for hit in hits):
        text = (NOTHING if collection.count() else EMPTY)[language].format(
            collection=collection.name
        )
        yield Token(text)
        yield Done(NONE, time.monotonic() - begun, 0, lineage)
        return
    name = pick_model(settings)
    if name != NONE:
        model = describe_model(name, settings)
        settings = within_context(model, settings)
        lineage |= {"model": name, "digest": model.digest}
    hits, turns = fit(question, hits, history, settings)
    for number, hit in enumerate(hits, 1):
        yield _source(number, hit, collection)
    count = 0
    if name == NONE:
        yield from quote(asked, hits, collection, settings)
        yield Token(NO_MODEL[language])
    else:
        pieces = ask_model(
            load_chat_model(name, settings),
            _messages(question, hits, turns, language),
            name,
            settings,
        )
        text = ""
        for event in only_known_citations(split_stream(pieces), len(hits)):
            if isinstance(event, Token):
                text, count = text + event.text, count + 1
            yield event
        if not re.search(r"\[\d+\]", text):
            yield Token(_support(text, hits, collection, language))
    yield Done(name, time.monotonic() - begun, count, lineage)


def only_known_citations(events: Iterable[Thought | Token], sources: int) -> Iterator[Event]:
    """The events with citations of passages that do not exist taken out; a bracket still open is held back."""
    held = ""
    for event in events:
        if isinstance(event, Thought):
            yield event
            continue
        held += event.text
        cut = _open_bracket(held)
        if text := _drop_unknown(held[:cut], sources):
            yield Token(text)
        held = held[cut:]
    if held:
        yield Token(_drop_unknown(held, sources))


def quote(
    question: str, hits: Sequence[Hit], collection: Collection, settings: Settings
) -> Iterator[Token]:
    """The sentences that answer best, each with the number of its passage."""
    embedder = load_embedder(collection.embedder, settings)
    vector = embedder.embed([question], "query")[0]
    found = best_sentences(
        question,
        [hit.passage.text for hit in hits],
        lexical_index(collection).rarity,
        lambda texts: np.asarray(embedder.embed(texts) @ vector),
        load_calibration(collection).weight(question),
    )
    for row, (number, text) in enumerate(found):
        yield Token(f"{'' if row == 0 else chr(10)}> {text} [{number}]\n")


def _support(text: str, hits: Sequence[Hit], collection: Collection, language: str) -> str:
    """For an answer without any citation: the passages that hold most of its words, or a warning."""
    index = lexical_index(collection)
    held = [(coverage(text, hit.passage.text, index), number) for number, hit in enumerate(hits, 1)]
    if numbers := sorted(number for share, number in held if share >= SUPPORTED):
        return " " + "".join(f"[{number}]" for number in numbers)
    return UNSUPPORTED[language]


def _with_context(question: str, history: Sequence[Turn]) -> str:
    """A short follow-up ("and in China?") is searched together with the question before it."""
    before = next((turn.content for turn in reversed(history) if turn.role == "user"), "")
    size = len(question) * (2 if language_of(question) == "zh" else 1)
    return f"{before} {question}" if before and size <= SHORT else question


def _messages(
    question: str, hits: Sequence[Hit], turns: Sequence[Turn], language: str
) -> list[tuple[str, str]]:
    passages = "\n\n".join(
        f"[{number}] ({Path(hit.passage.source).name} · {hit.passage.locator})\n{_fenced(hit.passage.text)}"
        for number, hit in enumerate(hits, 1)
    )
    system = (
        (PROMPTS / f"documents_{language}.md").read_text("utf-8").replace("{passages}", passages)
    )
    return [("system", system), *((turn.role, turn.content) for turn in turns), ("user", question)]


def _fenced(text: str) -> str:
    """A passage cannot close the fence around it."""
    return re.sub(r"</?passages>", "", text)


def _source(number: int, hit: Hit, collection: Collection) -> Source:
    passage = hit.passage
    return Source(
        number,
        passage.text,
        passage.source,
        str(passage.locator),
        round(hit.score, 4),
        passage.id,
        collection.name,
    )


def _open_bracket(text: str) -> int:
    """Where a citation may have begun that is not closed yet, or the end of the text."""
    start = text.rfind("[")
    return start if start >= 0 and re.fullmatch(r"\[[\d,，、 -]*", text[start:]) else len(text)


def _drop_unknown(text: str, sources: int) -> str:
    def known(match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[0])]
        return "".join(f"[{number}]" for number in numbers if 1 <= number <= sources)

    return re.sub(r"\[\d+(?:[,，、 ]+\d+)*\]", known, text)
