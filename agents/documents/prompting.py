"""A question, its passages and the turns before -> the messages for the chat model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agents.documents.quoting import Quote
from rag.passages import Hit
from workbench.chat.conversations import Turn

PROMPTS = Path(__file__).parent


def write_messages(
    question: str, hits: Sequence[Hit], turns: Sequence[Turn], language: str
) -> list[tuple[str, str]]:
    """(role, text) pairs: the system prompt with numbered passages, the turns, the question."""
    passages = "\n\n".join(_numbered(number, hit) for number, hit in enumerate(hits, 1))
    prompt = (PROMPTS / f"documents_{language}.md").read_text("utf-8")
    messages = [("system", prompt.replace("{passages}", passages))]
    messages += [(turn.role, turn.content) for turn in turns]
    messages.append(("user", question))
    return messages


def write_short(question: str, quotes: Sequence[Quote], language: str) -> list[tuple[str, str]]:
    """The same for a small model: the sentences that answer best, and one task."""
    sentences = "\n".join(text for _, text in quotes)
    template = (PROMPTS / f"small_{language}.md").read_text("utf-8").strip()
    # in one pass, so that no sentence can bring a mark of its own
    texts = {"{sentences}": sentences, "{question}": question}
    prompt = re.sub(r"\{\w+\}", lambda mark: texts[mark[0]], template)
    return [("user", prompt)]


def _numbered(number: int, hit: Hit) -> str:
    passage = hit.passage
    head = f"[{number}] ({Path(passage.source).name} · {passage.locator})"
    return f"{head}\n{_fenced(passage.text)}"


def _fenced(text: str) -> str:
    """A passage cannot close the fence around it."""
    return re.sub(r"</?passages>", "", text)
