"""A scripted model that knows the right query and errs as small models do; the same by its seed.

python benchmarks/erring.py [--seed 1] [--show 6]    shows what it makes of some queries

It reads its prompt: a name that the schema there lacks it cannot write, among more columns it takes
a wrong one more often, what an example shows it does not get wrong, and an error that names what is
wrong is mended most of the time. Half of its errors are of the question and come again in every
query for it; the other half are slips of one query.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import partial
from typing import Any

from repair import SHARED, load_schemas, misspell

from agents.databases.guard.guard import parse
from agents.databases.guard.refused import Refused

SYSTEMATIC = 0.5  # share of the errors that come again in every query for a question
LEARNS_NAMES = 0.7  # chance that a name which an error names is right in the next query
LEARNS_FORM = 0.5  # the same of an error that names no name
SLIP_PER_COLUMN = 0.0015  # chance of taking a wrong name, for each column that is shown
MOST_SLIPS = 0.45
WARM = 0.5  # a temperature above it makes a query of its own
# chance of each way to err, where the query has what it takes
CHANCES = {
    "misspelt": 0.15,
    "near name": 0.0,  # follows from the columns that are shown
    "translated": 0.15,
    "missing join": 0.15,
    "missing condition": 0.05,
    "missing quotes": 0.10,
    "other dialect": 0.10,
    "other meaning": 0.15,
    "several statements": 0.08,
    "truncated": 0.05,
    "wide signs": 0.10,
}
FORMS = ("plain", "prose", "fence", "fence and prose", "json")
ONLY_CHINESE = ("translated", "wide signs")
NAMES = ("misspelt", "near name", "translated", "missing join")  # what an example can prevent

Tree = Any
Change = Callable[[Tree, "Reading", random.Random], bool]


@dataclass(frozen=True)
class Known:
    """A question and what the model would write if it did not err; `meanings` name in Chinese."""

    name: str
    language: str
    sql: str
    meanings: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """What the model takes from its prompt."""

    known: Known
    tables: frozenset[str]
    columns: frozenset[str]
    examples: str
    error: str
    attempt: int
    warm: bool


@dataclass
class ErringModel:
    """`reply` answers a request as the server of tests/model_servers.py hands it on."""

    seed: int
    questions: dict[str, Known] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    erred: Counter[str] = field(default_factory=Counter)

    def reply(self, body: dict[str, Any]) -> str:
        messages = body["messages"]
        if messages[0]["role"] != "system":
            return ""  # no words about a result
        known = self.questions[messages[1]["content"]]
        reading = read_prompt(known, messages, body.get("temperature", 0) > WARM)
        if not reading.attempt:
            self.written[known.name] += 1
        return self.write(reading, self.written[known.name])

    def write(self, reading: Reading, number: int) -> str:
        """The model's text for the question's query of that number, after its corrections."""
        known = reading.known
        name = f"{self.seed}|{known.name}|{known.language}"
        slip = random.Random(f"{name}|{number}")
        own = random.Random(name)
        kinds = [kind for kind in CHANCES if _errs(kind, reading, own, slip)]
        tree = parse(known.sql, "sqlite")
        _quote_texts(tree)
        _only_shown(tree, reading)
        made = []
        for kind in kinds:
            chance = random.Random(f"{name}|{kind}")
            if _learnt(kind, reading, random.Random(f"{name}|{number}|{kind}")):
                continue
            if kind in TREES and TREES[kind](tree, reading, chance):
                made.append(kind)
        text = tree.sql("sqlite")
        for kind in kinds:
            if kind in TEXTS and not _learnt(
                kind, reading, random.Random(f"{name}|{number}|{kind}")
            ):
                made.append(kind)
                text = TEXTS[kind](text, slip)
        self.erred.update(made)
        return _formed(text, slip)


def read_prompt(known: Known, messages: list[dict[str, str]], warm: bool) -> Reading:
    """Tables begin a line of the schema, columns are indented; pairs stand below a heading."""
    system = messages[0]["content"]
    _, _, schema = re.split(r"(Tables:|表结构：)\n", system)
    schema, *examples = re.split(
        r"\n(?:Questions and their right queries:|问题与正确查询示例：)\n", schema
    )
    tables = re.findall(r"^(\w\S*)", schema, re.M)
    columns = re.findall(r"^  (\S+) (?!= )", schema, re.M)
    corrections = [message["content"] for message in messages[3::2]]
    return Reading(
        known,
        frozenset(name.lower() for name in tables),
        frozenset(name.lower() for name in columns),
        "\n".join(examples).lower(),
        corrections[-1] if corrections else "",
        len(corrections),
        warm,
    )


def _errs(kind: str, reading: Reading, own: random.Random, slip: random.Random) -> bool:
    """Whether it errs so: by the question itself, or in this one query."""
    chance = CHANCES[kind]
    if kind == "near name":
        chance = min(MOST_SLIPS, SLIP_PER_COLUMN * len(reading.columns))
    always = own.random() < chance * SYSTEMATIC
    once = slip.random() < chance * (1 - SYSTEMATIC)
    if kind in ONLY_CHINESE and reading.known.language != "zh":
        return False
    return always or once


def _learnt(kind: str, reading: Reading, chance: random.Random) -> bool:
    """Whether one of the errors shown so far has put an end to it."""
    learns = LEARNS_NAMES if kind in NAMES else LEARNS_FORM
    return any(chance.random() < learns for _ in range(reading.attempt))


def _identifiers(tree: Tree, reading: Reading) -> list[Tree]:
    """The columns that a query names outside quotes, but for those that an example shows."""
    from sqlglot import exp

    found = []
    for node in tree.find_all(exp.Column):
        plain = isinstance(node.this, exp.Identifier) and not node.this.args.get("quoted")
        if plain and node.name.lower() not in reading.examples:
            found.append(node)
    return found


def _quote_texts(tree: Tree) -> None:
    """Texts in double quotes, which SQLite takes for texts where no column has that name."""
    from sqlglot import exp

    for node in list(tree.find_all(exp.Column)):
        if isinstance(node.this, exp.Identifier) and node.this.args.get("quoted"):
            node.replace(exp.Literal.string(node.name))


def _rename(tree: Tree, old: str, new: str) -> None:
    from sqlglot import exp

    for node in tree.find_all(exp.Column):
        if node.name.lower() == old.lower():
            node.set("this", exp.to_identifier(new, quoted=not new.isidentifier()))


def _only_shown(tree: Tree, reading: Reading) -> None:
    """A name that the prompt does not have becomes the likest one that it has."""
    from sqlglot import exp

    for node in list(tree.find_all(exp.Column)):
        known = reading.columns | {alias.lower() for alias in _aliases(tree)}
        if isinstance(node.this, exp.Identifier) and node.name.lower() not in known:
            _rename(tree, node.name, _likest(node.name, reading.columns))
    for node in list(tree.find_all(exp.Table)):
        if node.name.lower() not in reading.tables and reading.tables:
            node.set("this", exp.to_identifier(_likest(node.name, reading.tables)))


def _aliases(tree: Tree) -> set[str]:
    from sqlglot import exp

    return {node.alias for node in tree.find_all(exp.Alias)}


def _likest(name: str, names: frozenset[str]) -> str:
    others = sorted(names - {name.lower()})
    alike = partial(_likeness, name.lower())
    return max(others, key=alike) if others else name


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _misspelt(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    nodes = _identifiers(tree, reading)
    if nodes:
        name = chance.choice(nodes).name
        _rename(tree, name, misspell(name, chance))
    return bool(nodes)


def _near(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    nodes = _identifiers(tree, reading)
    if nodes:
        name = chance.choice(nodes).name
        _rename(tree, name, _likest(name, reading.columns))
    return bool(nodes)


def _translated(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    meanings = reading.known.meanings
    nodes = [node for node in _identifiers(tree, reading) if meanings.get(node.name.lower())]
    if nodes:
        name = chance.choice(nodes).name
        _rename(tree, name, meanings[name.lower()])
    return bool(nodes)


def _joins(tree: Tree, reading: Reading) -> list[Tree]:
    """The joins but those to a table that an example joins."""
    from sqlglot import exp

    found = []
    for join in tree.find_all(exp.Join):
        if not re.search(rf"\bjoin\W+{re.escape(join.this.name.lower())}\b", reading.examples):
            found.append(join)
    return found


def _missing_join(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    joins = _joins(tree, reading)
    if joins:
        chance.choice(joins).pop()
    return bool(joins)


def _missing_condition(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    joins = [join for join in _joins(tree, reading) if join.args.get("on")]
    if joins:
        chance.choice(joins).set("on", None)
    return bool(joins)


def _missing_quotes(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    from sqlglot import exp

    texts = [node for node in tree.find_all(exp.Literal) if node.is_string and node.this]
    if texts:
        node = chance.choice(texts)
        node.replace(exp.Var(this=node.this))
    return bool(texts)


def _other_dialect(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    """A function that another database has around the first plain column."""
    from sqlglot import exp

    columns = [node for node in tree.find_all(exp.Column) if isinstance(node.parent, exp.Select)]
    if not columns:
        return False
    name = chance.choice(("NVL", "ISNULL", "TO_CHAR", "CONVERT"))
    node = columns[0]
    node.replace(exp.Anonymous(this=name, expressions=[node.copy()]))
    return True


def _other_meaning(tree: Tree, reading: Reading, chance: random.Random) -> bool:
    """What runs and is wrong: the other end, another order, a condition or DISTINCT left out."""
    from sqlglot import exp

    turned = {exp.Max: exp.Min, exp.Min: exp.Max, exp.GT: exp.GTE, exp.LT: exp.LTE}
    nodes = [node for node in tree.walk() if type(node) in turned]
    orders = list(tree.find_all(exp.Ordered))
    wheres = list(tree.find_all(exp.Where, exp.Having, exp.Distinct))
    choices = [*nodes, *orders, *wheres]
    if not choices:
        return False
    node = chance.choice(choices)
    if isinstance(node, exp.Ordered):
        node.set("desc", not node.args.get("desc"))
        node.set("nulls_first", not node.args.get("desc"))  # SQLite's own order, not written out
    elif type(node) in turned:
        node.replace(turned[type(node)](**node.args))
    else:
        node.pop()
    return True


def _several(sql: str, chance: random.Random) -> str:
    if chance.random() < 0.5:
        return f"{sql}; SELECT 1;"
    return f"SELECT 1;\n{sql};"


def _truncated(sql: str, chance: random.Random) -> str:
    return sql[: int(len(sql) * chance.uniform(0.6, 0.9))]


def _wide(sql: str, _: random.Random) -> str:
    return sql.translate(str.maketrans(",()=", "，（）＝"))


def _formed(sql: str, chance: random.Random) -> str:
    form = chance.choice(FORMS)
    if form == "json":
        return json.dumps({"sql": sql})
    text = f"```sql\n{sql}\n```" if form.startswith("fence") else sql
    if form.endswith("prose"):
        return f"Sure! The query you want is:\n{text}\nThis selects what the question asks for."
    return text


TREES: dict[str, Change] = {
    "misspelt": _misspelt,
    "near name": _near,
    "translated": _translated,
    "missing join": _missing_join,
    "missing condition": _missing_condition,
    "missing quotes": _missing_quotes,
    "other dialect": _other_dialect,
    "other meaning": _other_meaning,
}
TEXTS: dict[str, Callable[[str, random.Random], str]] = {
    "several statements": _several,
    "truncated": _truncated,
    "wide signs": _wide,
}


def load_known(language: str) -> list[tuple[dict[str, Any], Known]]:
    """The questions of Spider with their rows, in `en` or `zh`, those that can be parsed."""
    folder = SHARED / "nl2sql_spider"
    schemas = load_schemas(folder, SHARED / "nl2sql_chase_zh" / "tables.json")
    found = []
    for line in (folder / "questions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        try:
            parse(row["gold_sql"], "sqlite")
        except Refused:
            continue
        columns = [column for table in schemas[row["db_id"]].tables for column in table.columns]
        meanings = {column.name.lower(): column.comment for column in columns}
        found.append((row, Known(row["id"], language, row["gold_sql"], meanings)))
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=6, help="queries that are shown")
    chosen = options.parse_args()
    if not SHARED.is_dir():
        print("../shared/data is not beside this clone")
        return
    model = ErringModel(chosen.seed)
    for row, known in load_known("zh")[:: 224 // chosen.show]:
        names = {name.lower() for name in re.findall(r"\w+", known.sql)}
        reading = Reading(known, frozenset(names), frozenset(names), "", "", 0, False)
        print(f"{row['question_zh']}\n  {known.sql}\n  {model.write(reading, 1)!r}")
    print(dict(model.erred))


if __name__ == "__main__":
    main()
