"""A question -> passages of the collections -> an answer whose every claim names its passage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from agents.budget import fit
from agents.documents.attached import find_in_files
from agents.documents.quoting import find_quotes, in_another_language, quote
from agents.documents.search import Retrieved, search
from agents.documents.support import Support
from agents.documents.writing import write_answer
from agents.question import Question
from rag.passages import Hit
from workbench.chat.events import Declined, Done, Event, Notice, Source
from workbench.language import localized
from workbench.models.chosen import ChosenModel
from workbench.models.listing import NONE
from workbench.models.packaged import knows
from workbench.settings import Settings

NO_MODEL = Notice(
    "Quoted as it stands: no language model is connected. Start Ollama (`ollama pull qwen3:4b`) "
    "or see `workbench doctor` for other ways.",
    standing=True,
)
OTHER_LANGUAGE = Notice(
    "Quoted as it stands: the chosen model does not know the language of this question. Choose "
    "another model, or ask in its language.",
    standing=True,
)
ORIGINAL = Notice("The documents are in another language; they are quoted in the original.")


def answer_from_documents(question: Question) -> Iterator[Event]:
    """Sources, then thinking and text as the model gives them, then Done.

    Without a model that knows the question's language the best sentences are quoted. Raises
    NotFound where the collection is missing, and what the model raises.
    """
    begun = time.monotonic()
    settings = question.settings
    model = _model_for(question)
    found = _retrieve(question)
    read = found.pool.collections[:1] if found.attached else found.pool.collections
    lineage: dict[str, Any] = {
        "collection": ", ".join(one.name for one in read),
        "revision": ", ".join(str(one.revision) for one in read),
        "embedder": found.pool.embedder,
    }
    # a model reads attached files whatever their scores; evidence has a floor of its own
    weighed = found is question.found and not found.attached
    if not (found.relevant or weighed or (found.attached and model)):
        yield Declined(_nothing_found(found, question.language))
        yield Done(NONE, time.monotonic() - begun, 0, lineage)
        return
    if model is not None:
        settings = model.settings
        lineage |= {"model": model.name, "digest": model.info.digest}
    hits, turns = fit(question.text, found.hits[: settings.passages], question.history, settings)
    for number, hit in enumerate(hits, 1):
        yield _source(number, hit)
    if model is None:
        yield from quote(find_quotes(question.text, found, hits, settings))
        if in_another_language(hits, question.language):
            yield ORIGINAL
        yield OTHER_LANGUAGE if question.model else NO_MODEL
        yield Done(NONE, time.monotonic() - begun, 0, lineage)
        return
    yield from write_answer(question, model, found, hits, turns, begun, lineage)


def get_ready(settings: Settings) -> None:
    """Load what the first answer would wait for: indexes, embedders, and how rare words are."""
    Support("warm", ["warm"])
    search("warm", settings)


def _model_for(question: Question) -> ChosenModel | None:
    """The chosen model, if it knows the question's language."""
    model = question.model
    if model is None or not knows(model.name, question.language):
        return None
    return model


def _retrieve(question: Question) -> Retrieved:
    """What the router's evidence has found, else the files that came with it, else all there is."""
    if isinstance(question.found, Retrieved):
        return question.found
    if question.files:
        match = find_in_files(question)
        if match.score:
            return match.found
    return search(question.search_text, question.settings)


def _nothing_found(found: Retrieved, language: str) -> str:
    name = found.pool.name
    if found.attached or not name:
        return localized(
            language,
            "The attached files hold nothing about this question. Ask in other words, or attach "
            "the files that know.",
            "附件中没有与这个问题相关的内容。可以换一种问法，或附上包含答案的文件。",
        )
    if found.pool.size:
        return localized(
            language,
            f"The collection “{name}” holds nothing about this question, so there is no answer "
            "from it. Ask in other words, choose another collection, or add the files that know.",
            f"知识库“{name}”中没有与这个问题相关的内容，因此无法据此回答。"
            "可以换一种问法、选择其他知识库，或添加包含答案的文件。",
        )
    return localized(
        language,
        f"The collection “{name}” is empty. Add files on the Knowledge page, or drop them into "
        "the chat box.",
        f"知识库“{name}”还没有内容。请在“知识库”页面添加文件，或将文件拖入对话框。",
    )


def _source(number: int, hit: Hit) -> Source:
    passage = hit.passage
    return Source(
        number=number,
        text=passage.text,
        source=passage.source,
        locator=str(passage.locator),
        score=round(hit.score, 4),
        passage_id=passage.id,
        collection=hit.collection,
    )
