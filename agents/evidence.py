"""A question and what a workspace holds -> how much of the question each kind of asset explains, in [0, 1].

The measure is one for all: the question's words that any asset knows, each weighed by how rare it is in all of them
together, and the share of that weight that the best matching text of an asset holds. Documents are also found by
meaning: there the calibrated score counts where it says more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from agents.databases.introspect import load_schema
from agents.databases.schema import Schema, TableSchema
from agents.databases.sources import find_source
from agents.tuned.agent import tuned_model
from rag.catalogue import Catalogue
from rag.lexical import LexicalIndex
from rag.retriever import lexical_index, retrieve
from rag.store import open_collection
from workbench.artefacts.run_folder import taught_by
from workbench.errors import WorkbenchError
from workbench.language import language_of, words
from workbench.settings import Settings

READ = 4  # passages looked at for the best match
# what only a calculation answers: a database knows these words whatever its tables are called
CALCULATES = (
    "how many count number total sum average mean most least top highest lowest maximum minimum per each every rank "
    "ranking trend compare rows hourly daily weekly monthly "
    "多少 几个 几条 总数 总共 一共 合计 总量 平均 最多 最少 最高 最低 排名 排行 前三 前五 前十"
    " 每个 每天 每小时 每月 趋势 统计 分布 占比 数量"
)


@dataclass(frozen=True)
class Evidence:
    """What speaks for an agent. `score` is the explained share of the question, `reason` one line for the person."""

    mode: str
    score: float
    reason: str


class Asset(Protocol):
    """Something to answer from: how many texts it has, how many of them hold a word, and the one that fits best."""

    mode: str
    size: int

    def held(self, word: str) -> int: ...

    def best(self, question: str, weights: Mapping[str, float]) -> tuple[float, str]: ...


def gather(question: str, settings: Settings) -> list[Evidence]:
    """What speaks for each agent that has something to answer from, the strongest first."""
    assets = [
        asset for find in (find_documents, find_tuned, find_data) if (asset := find(settings))
    ]
    total = sum(asset.size for asset in assets)
    weights = {}
    for word in dict.fromkeys(words(question)):
        if held := sum(asset.held(word) for asset in assets):
            weights[word] = math.log1p((total - held + 0.5) / (held + 0.5))
    found = [Evidence(asset.mode, *asset.best(question, weights)) for asset in assets]
    return sorted(found, key=lambda evidence: -evidence.score)


def share(text: str, weights: Mapping[str, float]) -> float:
    """Share of the question's weight whose words the text holds."""
    there = set(words(text))
    return sum(weight for word, weight in weights.items() if word in there) / (
        sum(weights.values()) or 1.0
    )


@dataclass(frozen=True)
class Documents:
    """The passages of the chosen collection."""

    settings: Settings
    index: LexicalIndex
    mode = "documents"

    @property
    def size(self) -> int:
        return len(self.index.ids)

    def held(self, word: str) -> int:
        return self.index.held(word)

    def best(self, question: str, weights: Mapping[str, float]) -> tuple[float, str]:
        hits = retrieve(
            question, open_collection(self.settings, self.settings.collection), self.settings, READ
        )
        if not hits:
            return 0.0, _say(question, "the documents do not speak of it", "文档中没有提到")
        held, best = max(
            ((share(hit.passage.text, weights), hit) for hit in hits), key=lambda pair: pair[0]
        )
        score = max(held, hits[0].score if hits[0].relevant else 0.0)
        name = Path(best.passage.source).name
        return score, _say(question, f"{name} speaks of it", f"{name} 中提到了相关内容")


def find_documents(settings: Settings) -> Documents | None:
    if settings.collection not in Catalogue(settings.folder() / "index.db").names():
        return None
    index = lexical_index(open_collection(settings, settings.collection))
    return Documents(settings, index) if len(index.ids) else None


@dataclass(frozen=True)
class Trained:
    """The questions that the tuned model was trained on."""

    name: str
    index: LexicalIndex
    questions: Sequence[str]
    mode = "tuned"

    @property
    def size(self) -> int:
        return len(self.questions)

    def held(self, word: str) -> int:
        return self.index.held(word)

    def best(self, question: str, weights: Mapping[str, float]) -> tuple[float, str]:
        scores = self.index.scores(question)
        near = [self.questions[row] for row in scores.argsort()[-READ:]]
        score, nearest = max((share(text, weights), text) for text in near)
        return score, _say(
            question, f"{self.name} was trained on “{nearest}”", f"{self.name} 训练过“{nearest}”"
        )


def find_tuned(settings: Settings) -> Trained | None:
    try:
        name = tuned_model(settings)
        questions = [question for question, _ in taught_by(name, settings)]
    except WorkbenchError:
        return None
    return Trained(name, _index(tuple(questions)), questions) if questions else None


@lru_cache(maxsize=4)
def _index(questions: tuple[str, ...]) -> LexicalIndex:
    return LexicalIndex.build((str(row), text) for row, text in enumerate(questions))


@dataclass(frozen=True)
class Tables:
    """The tables of the chosen database, by what is known of them without asking the server."""

    source: str
    texts: Mapping[str, str]
    mode = "data"

    @property
    def size(self) -> int:
        return len(self.texts)

    def held(self, word: str) -> int:
        return sum(word in words(text) for text in self.texts.values()) or int(
            word in _calculating()
        )

    def best(self, question: str, weights: Mapping[str, float]) -> tuple[float, str]:
        found = (
            (share(f"{text} {CALCULATES}", weights), -len(text), name)
            for name, text in self.texts.items()
        )
        score, _, table = max(found)  # of equals the table that says least else
        return score, _say(
            question,
            f"the table {table} of {self.source} fits",
            f"{self.source} 的表 {table} 与问题相符",
        )


def find_data(settings: Settings) -> Tables | None:
    try:
        source = find_source(settings, settings.source)
        schema = load_schema(source, settings)
    except WorkbenchError:  # none, several of which none is chosen, or a server that is down
        return None
    return Tables(source.name, table_texts(schema)) if schema.tables else None


def table_texts(schema: Schema) -> dict[str, str]:
    """Each table's names, comments, descriptions, synonyms and samples, with those of the tables it points to."""
    own = {table.name: _text(table) for table in schema.tables}
    return {
        table.name: " ".join(
            [own[table.name], *(own.get(key.other_table, "") for key in table.foreign_keys)]
        )
        for table in schema.tables
    }


def _text(table: TableSchema) -> str:
    parts = [table.name, table.comment, table.description, *table.synonyms]
    for column in table.columns:
        parts += [
            column.name,
            column.comment,
            column.description,
            *column.synonyms,
            *column.samples,
        ]
    return " ".join(parts).replace("_", " ")


@lru_cache(maxsize=1)
def _calculating() -> frozenset[str]:
    return frozenset(words(CALCULATES))


def _say(question: str, english: str, chinese: str) -> str:
    return chinese if language_of(question) == "zh" else english
