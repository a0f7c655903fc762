"""A table of entities and attributes (CSV, JSON, XLSX) -> facts, and the faulty cells."""

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
    *("entity", "name", "character", "person", "product", "item", "title", "subject"),
    *("实体", "名称", "名字", "姓名", "角色", "人物", "产品", "品名", "标题"),
)
TRIPLES = ({"entity", "attribute", "value"}, {"实体", "属性", "值"}, {"主体", "属性", "值"})
NOTHING = (
    *("", "-", "—", "/", "n/a", "na", "none", "null", "nan", "unknown"),
    *("无", "未知"),
)


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
    """The facts in their order, the problems, and how many cells say nothing (empty, unknown)."""

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
    """The facts of a table with a row for each entity, or with rows of entity, attribute, value.

    A JSON object by entity is read too. Raises NotFound, or InvalidInput for a file without any
    fact; problems of single cells are in the result.
    """
    records = Records()
    values: dict[str, str] = {}  # by the fact's name
    for row in read_rows(path):
        if row.problem:
            fix = say("Correct this row, or delete it.")
            records.problems.append(Problem(str(path), row.line, row.problem, fix))
        elif isinstance(row.data, dict):
            for entity, attribute, value in _cells(row.data):
                fact = Fact(entity, attribute, _shown(value), f"{path}:{row.line}")
                _add(records, values, fact, path, row.line)
    if not records.facts:
        raise InvalidInput(
            say("{path} holds no facts.", path=path),
            "Write one row an entity: its name in the first column, its attributes in the others.",
        )
    return records


def _add(records: Records, values: dict[str, str], fact: Fact, path: Path, line: int) -> None:
    """The fact goes to the facts, or its fault to the problems."""
    if fact.value.lower() in NOTHING:
        records.empty += 1
        return
    problem = _problem_of(fact, values)
    if problem:
        text, fix = problem
        records.problems.append(Problem(str(path), line, text, fix))
    elif fact.name not in values:
        values[fact.name] = fact.value
        records.facts.append(fact)


def _problem_of(fact: Fact, values: dict[str, str]) -> tuple[str, str] | None:
    """The fault of a fact and what mends it; None where it has none."""
    if not fact.entity:
        text = say("an entity without a name, for {value!r}", value=fact.value)
        return text, say("Write the name.")
    if not fact.attribute:
        text = say("a column without a name, for {value!r}", value=fact.value)
        return text, say("Write the name.")
    known = values.get(fact.name, fact.value)
    if known == fact.value:
        return None
    text = say(
        "{entity} has two values for {attribute}: {first!r} and {second!r}",
        entity=fact.entity,
        attribute=fact.attribute,
        first=known,
        second=fact.value,
    )
    return text, say("Keep one, or join both in one cell.")


def _cells(row: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Entity, attribute and value of each cell of a row."""
    if _is_by_entity(row):
        for entity, attributes in row.items():
            for name, value in attributes.items():
                yield _name(entity), _name(name), value
        return
    if {_name(column).lower() for column in row} in TRIPLES:
        entity, attribute, value = row.values()
        yield _name(entity), _name(attribute), value
        return
    entity_column = _entity_column(row)
    entity = _shown(row.get(entity_column))
    for column, value in row.items():
        if column != entity_column:
            yield entity, _name(column), value


def _is_by_entity(row: dict[str, Any]) -> bool:
    """Whether the row is {entity: {attribute: value}}."""
    return bool(row) and all(isinstance(value, dict) for value in row.values())


def _entity_column(row: dict[str, Any]) -> str:
    """The column that names the entity: by its own name, else the first."""
    for column in row:
        if _name(column).lower() in ENTITIES:
            return column
    return next(iter(row), "")


def _name(value: Any) -> str:
    return str(value).strip()


def _shown(value: Any) -> str:
    """The cell as text on one line; a list is joined as its language does."""
    if value is None:
        return ""
    if isinstance(value, list):
        texts = [_shown(part) for part in value]
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in "".join(texts))
        return ("、" if chinese else ", ").join(texts)
    return " ".join(str(value).split())
