"""The chosen database as an asset for questions about the future: which series it could forecast.

A question without a word of the future is no evidence at all, and neither is one that names no
series. So the agents that answer what is and was lose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents.data.evidence import CALCULATES, table_texts
from agents.databases.introspect import load_schema
from agents.databases.schema import Schema
from agents.databases.sources import find_source
from agents.evidence import Match, Weights, hash_of, share
from agents.forecast.asked import FUTURE_WORDS, is_about_future
from agents.forecast.targets import all_targets, column_words, table_words
from workbench.errors import WorkbenchError
from workbench.language import language_of, localized, words
from workbench.settings import Settings


@dataclass(frozen=True)
class SeriesAsset:
    """`vocabulary` maps each table with series to its words, `naming` to those that name a series.

    Its size is nothing: it holds no texts of its own, and must not make the words of others rarer.
    """

    source: str
    vocabulary: Mapping[str, frozenset[str]]
    naming: Mapping[str, frozenset[str]]

    size = 0

    @property
    def state(self) -> str:
        return f"{self.source} {hash_of(sorted(self.vocabulary))}"

    def knows(self, question: str) -> bool:
        return False

    def samples(self) -> Sequence[str]:
        return ()

    def held(self, word: str) -> int:
        return 0

    def best(self, question: str, weights: Weights) -> Match:
        """The table whose words, with those of the future, explain most."""
        if not is_about_future(question):
            return Match(0.0, "")
        best_score, best_table = 0.0, ""
        for table, known in self.vocabulary.items():
            if self.naming[table].isdisjoint(weights):
                continue
            score = share(known | _future(), weights)
            if score > best_score:
                best_score, best_table = score, table
        reason = localized(
            language_of(question),
            f"the series of {best_table} in {self.source} can be forecast",
            f"可以预测 {self.source} 中 {best_table} 的序列",
        )
        return Match(best_score, reason)


def find_series(settings: Settings) -> SeriesAsset | None:
    """The series of the chosen database; None where it has none, or none is chosen."""
    try:
        source = find_source(settings, settings.source)
        schema = load_schema(source, settings)
    except WorkbenchError:
        return None
    return _asset(source.name, _Known(schema))


class _Known:
    """A schema that is the same key of a cache as long as it is the same object."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._key = (schema.read_at, hash_of(list(table_texts(schema).values())))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self._key == other._key


@lru_cache(maxsize=4)
def _asset(source: str, known: _Known) -> SeriesAsset | None:
    texts = table_texts(known.schema)
    vocabulary: dict[str, frozenset[str]] = {}
    naming: dict[str, frozenset[str]] = {}
    for target in all_targets(known.schema):
        table = target.table
        vocabulary[table.name] = frozenset(words(texts[table.name]))
        own = frozenset(column_words(target.column) | table_words(table))
        naming[table.name] = naming.get(table.name, frozenset()) | own
    return SeriesAsset(source, vocabulary, naming) if vocabulary else None


@lru_cache(maxsize=1)
def _future() -> frozenset[str]:
    return frozenset(words(FUTURE_WORDS)) | frozenset(words(CALCULATES))
