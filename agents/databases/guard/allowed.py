"""What a query may be made of, by dialect: the tables of `meanings/`, read once.

A construct is decided by what it can do, not by how it is spelled. Functions keep the names that
the server knows (`reading.py`), so one row speaks for one function. What no table lists is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "meanings"


@dataclass(frozen=True)
class Meanings:
    """One dialect's tables. Names of functions are in small letters.

    `tables` gives the columns of a function that stands in FROM. `refused` gives what a function
    would do.
    """

    parts: frozenset[type]
    arguments: Mapping[type, frozenset[str]]
    types: frozenset[Any]
    named_types: frozenset[str]
    reads: frozenset[str]
    aggregates: frozenset[str]
    without_parentheses: frozenset[str]
    tables: Mapping[str, tuple[str, ...]]
    series: frozenset[str]
    refused: Mapping[str, str]

    def allows(self, name: str) -> bool:
        """Whether a function of that name may be called somewhere."""
        return name in self.reads or name in self.tables or name in self.series


@lru_cache(maxsize=8)
def meanings(dialect: str) -> Meanings:
    """The tables of a dialect, together with those of all."""
    from sqlglot import exp

    common, own = _read("all"), _read(dialect)
    parts = _words(common["parts"]) | _words(own.get("parts", {}))
    types = _words(common["types"]) | _words(own.get("types", {}))
    reads = own["reads"]
    return Meanings(
        frozenset(getattr(exp, name) for name in parts if hasattr(exp, name)),
        {
            getattr(exp, name): frozenset(words.split())
            for name, words in common["arguments"].items()
        },
        frozenset(exp.DType[name] for name in types if name in exp.DType.__members__),
        _words(own.get("named_types", {})),
        _words(reads),
        frozenset(reads["aggregates"].split()),
        _words(own.get("without_parentheses", {})),
        {name: tuple(columns.split()) for name, columns in own.get("tables", {}).items()},
        _words(own.get("series", {})),
        {
            name: effect
            for effect, table in own.get("refused", {}).items()
            for name in table["functions"].split()
        },
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text("utf-8"))


def _words(table: Mapping[str, str]) -> frozenset[str]:
    """All names of a table's rows."""
    return frozenset(" ".join(table.values()).split())
