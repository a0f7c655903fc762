"""A table of entities and their attributes (CSV, JSON, XLSX) -> facts, with every cell that cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.data.dataset import Problem
from finetune.data.files import read_rows
from workbench.errors import InvalidInput
from workbench.messages import say

ENTITIES = (
    "entity",
    "name",
    "character",
    "person",
    "product",
    "item",
    "title",
    "subject",
    "实体",
    "名称",
    "名字",
    "姓名",
    "角色",
    "人物",
    "产品",
    "品名",
    "标题",
)
TRIPLES = ({"entity", "attribute", "value"}, {"实体", "属性", "值"}, {"主体", "属性", "值"})
NOTHING = ("", "-", "—", "/", "n/a", "na", "none", "null", "nan", "无", "未知", "unknown")


@dataclass(frozen=True, slots=True)
class Fact:
    """One attribute of one entity."""

    entity: str
    attribute: str
    value: str
    where: str = ""

    @property
    def name(self) -> str:
        return f"{self.entity}/{self.attribute}"


@dataclass
class Records:
    """The facts in their order, what is wrong, and how many cells say nothing (empty, unknown)."""

    facts: list[Fact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    empty: int = 0

    @property
    def entities(self) -> list[str]:
        return list(dict.fromkeys(fact.entity for fact in self.facts))

    @property
    def attributes(self) -> list[str]:
        return list(dict.fromkeys(fact.attribute for fact in self.facts))


def load_records(path: Path) -> Records:
    """One row an entity and one column an attribute, or rows of entity, attribute, value; a JSON object by entity too.

    Raises NotFound or InvalidInput for a file without any such row; problems of single cells are in the result.
    """
    records = Records()
    known: dict[str, str] = {}  # a fact's name -> its value
    for row in read_rows(path):
        if row.problem:
            records.problems.append(
                Problem(str(path), row.line, row.problem, "Correct this row, or delete it.")
            )
        elif isinstance(row.data, dict):
            for entity, attribute, value in _cells(row.data):
                _add(
                    records,
                    known,
                    Fact(entity, attribute, _shown(value), f"{path}:{row.line}"),
                    path,
                    row.line,
                )
    if not records.facts:
        raise InvalidInput(
            say("{path} holds no facts.", path=path),
            "Write one row an entity: its name in the first column, its attributes in the others.",
        )
    return records


def _add(records: Records, known: dict[str, str], fact: Fact, path: Path, line: int) -> None:
    if fact.value.lower() in NOTHING:
        records.empty += 1
    elif not fact.entity or not fact.attribute:
        what = "an entity without a name" if not fact.entity else "a column without a name"
        records.problems.append(
            Problem(str(path), line, f"{what}, for {fact.value!r}", "Write the name.")
        )
    elif fact.name not in known:
        known[fact.name] = fact.value
        records.facts.append(fact)
    elif known[fact.name] != fact.value:
        problem = f"{fact.entity} has two values for {fact.attribute}: {known[fact.name]!r} and {fact.value!r}"
        records.problems.append(
            Problem(str(path), line, problem, "Keep one, or join both in one cell.")
        )


def _cells(row: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Entity, attribute and value of each cell of a row."""
    if row and all(
        isinstance(value, dict) for value in row.values()
    ):  # {entity: {attribute: value}}
        for entity, attributes in row.items():
            yield from (
                (str(entity).strip(), str(name).strip(), value)
                for name, value in attributes.items()
            )
        return
    if {str(name).strip().lower() for name in row} in TRIPLES:
        entity, attribute, value = row.values()
        yield str(entity).strip(), str(attribute).strip(), value
        return
    column = next(
        (name for name in row if str(name).strip().lower() in ENTITIES), next(iter(row), "")
    )
    entity = _shown(row.get(column))
    yield from ((entity, str(name).strip(), value) for name, value in row.items() if name != column)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        texts = [_shown(part) for part in value]
        return (
            "、" if any("\u4e00" <= letter <= "\u9fff" for letter in "".join(texts)) else ", "
        ).join(texts)
    return " ".join(str(value).split())
