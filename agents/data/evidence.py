"""The chosen database as an asset: how much of a question the words of its tables explain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from agents.databases.introspect import load_schema
from agents.databases.nearness import described_columns
from agents.databases.notes import load_notes
from agents.databases.prompt_text import alike
from agents.databases.schema import Schema, TableSchema
from agents.databases.sources import find_source, source_folder
from agents.evidence import Match, Weights, hash_of, share
from agents.nearness import embedder_of, nearest
from workbench.errors import WorkbenchError
from workbench.language import language_of, localized, words
from workbench.settings import Settings

# what only a calculation answers: a database knows these words whatever its tables are called
CALCULATES = (
    "how many count number total sum average mean most least top highest lowest maximum minimum "
    "per each every rank ranking trend compare rows hourly daily weekly monthly "
    "多少 几个 几条 总数 总共 一共 合计 总量 平均 最多 最少 最高 最低 排名 排行 前三 前五 前十 "
    "每个 每天 每小时 每月 趋势 统计 分布 占比 数量"
)

# what every database has, and what nothing else is asked for
ROWS = frozenset(words("rows row records tables database databases 数据 记录 表格"))

SAME_QUESTION = 0.8  # share of common words from which a verified question is the one asked


@dataclass(frozen=True)
class TablesAsset:
    """The tables of one database, by what is known of them without asking the server.

    `vocabulary` maps each table to its words, `length` to the characters of its text.
    """

    source: str
    vocabulary: Mapping[str, frozenset[str]]
    length: Mapping[str, int]
    verified: Sequence[str] = ()
    """The questions with a verified query."""

    near: Callable[[str], Mapping[str, float]] = lambda _: {}
    """A question -> how near in meaning the columns are to it."""

    @classmethod
    def of(
        cls,
        source: str,
        texts: Mapping[str, str],
        split: Callable[[str], list[str]] = words,
    ) -> TablesAsset:
        """From table -> text. Each text is split into words once, however many words are asked."""
        vocabulary = {name: frozenset(split(text)) for name, text in texts.items()}
        length = {name: len(text) for name, text in texts.items()}
        return cls(source, vocabulary, length)

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def knows(self, question: str) -> bool:
        return any(alike(question, known) >= SAME_QUESTION for known in self.verified)

    @property
    def state(self) -> str:
        known = [f"{table} {' '.join(sorted(held))}" for table, held in self.vocabulary.items()]
        return f"{self.source} {hash_of([*known, *self.verified])}"

    def samples(self) -> Sequence[str]:
        return self.verified

    def held(self, word: str) -> int:
        tables = sum(word in known for known in self.vocabulary.values())
        return tables or int(word in _calculating())

    def best(self, question: str, weights: Weights) -> Match:
        """The table whose words explain most; of equals the one that says least else."""
        best_score, best_table = -1.0, ""
        for table in sorted(self.vocabulary, key=lambda name: self.length[name]):
            own = self.vocabulary[table]
            score = 0.0  # a sum without anything of the table is arithmetic
            if not own.isdisjoint(weights) or not ROWS.isdisjoint(weights):
                score = share(own | _calculating(), weights)
            if score > best_score:
                best_score, best_table = score, table
        reason = localized(
            language_of(question),
            f"the table {best_table} of {self.source} fits",
            f"{self.source} 的表 {best_table} 与问题相符",
        )
        return Match(best_score, reason, near=self.near(question))


def find_tables(settings: Settings) -> TablesAsset | None:
    """The chosen database; None where none or no single one is chosen, or its server is down."""
    try:
        source = find_source(settings, settings.source)
        schema = load_schema(source, settings)
    except WorkbenchError:
        return None
    if not schema.tables:
        return None
    verified = [pair["question"] for pair in load_notes(source, settings).pairs]
    asset = _asset(source.name, tuple(table_texts(schema).items()))
    near = partial(_nearness, schema, source_folder(settings, source), settings)
    return replace(asset, verified=verified, near=near)


def _nearness(schema: Schema, folder: Path, settings: Settings, question: str) -> dict[str, float]:
    embedder = embedder_of(settings)
    if embedder is None:
        return {}
    texts, vectors = described_columns(schema, embedder, folder)
    return nearest(question, texts, vectors, embedder)


@lru_cache(maxsize=4)
def _asset(source: str, texts: tuple[tuple[str, str], ...]) -> TablesAsset:
    """Kept between questions: a large schema takes a while to split into words."""
    return TablesAsset.of(source, dict(texts))


def table_texts(schema: Schema) -> dict[str, str]:
    """Table -> all that is known of it, with the same of the tables that it points to."""
    own = {table.name: _text(table) for table in schema.tables}
    texts = {}
    for table in schema.tables:
        parts = [own[table.name]]
        parts += [own.get(key.other_table, "") for key in table.foreign_keys]
        texts[table.name] = " ".join(parts)
    return texts


def _text(table: TableSchema) -> str:
    """Names, comments, descriptions, synonyms and samples of a table and its columns."""
    parts = [table.name, table.comment, table.description, *table.synonyms]
    for column in table.columns:
        parts += [column.name, column.comment, column.description]
        parts += [*column.synonyms, *column.samples]
    return " ".join(parts).replace("_", " ")


@lru_cache(maxsize=1)
def _calculating() -> frozenset[str]:
    return frozenset(words(CALCULATES))
