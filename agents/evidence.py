"""A question and what a workspace holds -> how much of the question each kind of asset explains, in [0, 1].

The measure is the same for all: the question's words, each weighed by how rare it is in that asset, and the share of
that weight that the best matching text of the asset holds. A word that the asset has never seen weighs most, so an
asset that does not know what is asked about cannot win by the small words around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agents.tuned_agent import tuned_model
from rag.catalogue import Catalogue
from rag.lexical import LexicalIndex, script
from rag.relevance import coverage
from rag.retriever import lexical_index, retrieve
from rag.store import open_collection
from workbench.errors import WorkbenchError
from workbench.models import find_local
from workbench.settings import Settings

READ = 3  # passages looked at for the best coverage


@dataclass(frozen=True)
class Evidence:
    """What speaks for an agent. `score` is the explained share of the question, `reason` one line for the person."""

    mode: str
    score: float
    reason: str


def from_documents(question: str, settings: Settings) -> Evidence | None:
    """The best passages of the collection; half of it counts where they lie below the calibrated floor."""
    if settings.collection not in Catalogue(settings.folder() / "index.db").names():
        return None
    collection = open_collection(settings, settings.collection)
    hits = retrieve(question, collection, settings, READ)
    if not hits:
        return None
    index = lexical_index(collection)
    held, best = max(((coverage(question, hit.passage.text, index), hit) for hit in hits), key=lambda pair: pair[0])
    score = max(held, hits[0].score) * (1.0 if hits[0].relevant else 0.5)
    name = Path(best.passage.source).name
    return Evidence("documents", score, _say(question, f"{name} speaks of it", f"{name} 中提到了相关内容"))


def from_tuned(question: str, settings: Settings) -> Evidence | None:
    """The nearest of the questions that the tuned model was trained on."""
    try:
        name = tuned_model(settings)
        kind, _, rest = name.partition(":")
        data = find_local(rest, settings).parent / "data" / "train.jsonl" if kind == "local" else None
    except WorkbenchError:
        return None
    if data is None or not data.exists():
        return None
    index, questions = _trained_on(data, data.stat().st_mtime_ns)
    scores = index.coverage(question)
    if not len(scores):
        return None
    nearest = int(scores.argmax())
    near = questions[nearest]
    score = min(1.0, coverage(question, near, index))
    return Evidence("tuned", score, _say(question, f"{name} was trained on “{near}”", f"{name} 训练过“{near}”"))


@lru_cache(maxsize=4)
def _trained_on(data: Path, _changed: int) -> tuple[LexicalIndex, list[str]]:
    """The last question of each trained dialogue, indexed."""
    questions: dict[str, None] = {}
    for line in data.read_text("utf-8").splitlines():
        asked = [turn["content"] for turn in json.loads(line)["messages"] if turn["role"] == "user"]
        questions |= dict.fromkeys(asked[-1:])
    found = list(questions)
    return LexicalIndex.build((str(row), text) for row, text in enumerate(found)), found


def _say(question: str, english: str, chinese: str) -> str:
    return chinese if script(question) == "zh" else english


SOURCES: tuple[Callable[[str, Settings], Evidence | None], ...] = (from_documents, from_tuned)


def gather(question: str, settings: Settings) -> list[Evidence]:
    """What speaks for each agent that has something to answer from, the strongest first."""
    found = [evidence for source in SOURCES if (evidence := source(question, settings))]
    return sorted(found, key=lambda evidence: -evidence.score)
