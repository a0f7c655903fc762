"""Share of broken gold queries that are mended to the gold result without a model.

python benchmarks/repair.py [--seed 1] [--show]    reads ../shared/data
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from agents.databases.guard.guard import judge, parse
from agents.databases.guard.refused import Refused
from agents.databases.guard.repair import Mender
from agents.databases.schema import Column, ForeignKey, Schema, TableSchema

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
KINDS = (
    "misspelt column",
    "misspelt table",
    "translated column",
    "translated table",
    "other alias",
    "other table",
)


def load_schemas(folder: Path, comments: Path | None = None) -> dict[str, Schema]:
    """Schemas of tables.json; names of `comments`, in another language, become comments."""
    other = (
        {entry["db_id"]: entry for entry in json.loads(comments.read_text("utf-8"))}
        if comments
        else {}
    )
    return {
        entry["db_id"]: _schema(entry, other.get(entry["db_id"]))
        for entry in json.loads((folder / "tables.json").read_text("utf-8"))
    }


def _schema(entry: dict[str, Any], other: dict[str, Any] | None) -> Schema:
    names = entry["column_names_original"]
    if other is not None and len(other["column_names_original"]) != len(names):
        other = None
    tables = []
    for number, table in enumerate(entry["table_names_original"]):
        rows = [row for row, (owner, _) in enumerate(names) if owner == number]
        meanings = {row: other["column_names_original"][row][1] if other else "" for row in rows}
        columns = tuple(
            Column(names[row][1], comment=meanings[row], primary=row in entry["primary_keys"])
            for row in rows
        )
        keys = tuple(
            ForeignKey(names[one][1], entry["table_names_original"][names[two][0]], names[two][1])
            for one, two in entry["foreign_keys"]
            if names[one][0] == number
        )
        tables.append(
            TableSchema(
                table,
                columns,
                other["table_names_original"][number] if other else "",
                foreign_keys=keys,
            )
        )
    return Schema("sqlite", tuple(tables), "main")


def misspell(name: str, chance: random.Random) -> str:
    """One slip of the pen: letters swapped, lost or doubled, an underscore lost, or a plural."""
    slips = [name + "s", name.replace("_", "") if "_" in name else name + name[-1]]
    if len(name) > 3:
        at = chance.randrange(1, len(name) - 1)
        slips += [
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            name[:at] + name[at + 1 :],
            name[:at] + name[at] + name[at:],
        ]
    return chance.choice([slip for slip in slips if slip != name] or [name + "s"])


def break_query(sql: str, schema: Schema, kind: str, chance: random.Random) -> str | None:
    """The query with one name wrong in the way of `kind`, or None where that cannot be."""
    from sqlglot import exp

    tree = parse(sql, "sqlite")
    columns = [
        node
        for node in tree.find_all(exp.Column)
        if isinstance(node.this, exp.Identifier) and not node.this.args.get("quoted")
    ]
    tables = list(tree.find_all(exp.Table))
    if kind.endswith("column"):
        if not columns:
            return None
        chosen = chance.choice(columns).name
        owners = [
            table.by_name[real] for table in schema.tables if (real := table.real_name(chosen))
        ]
        new = (
            misspell(chosen, chance)
            if kind.startswith("misspelt")
            else next((o.comment for o in owners if o.comment), "")
        )
        if not new:
            return None
        for node in columns:
            if node.name.lower() == chosen.lower():
                node.set("this", exp.Identifier(this=new, quoted=False))
    elif kind == "other alias":
        qualified = [node for node in columns if node.table]
        aliases = sorted({node.table for node in qualified})
        if len(aliases) < 2:
            return None
        node = chance.choice(qualified)
        node.set(
            "table",
            exp.to_identifier(chance.choice([alias for alias in aliases if alias != node.table])),
        )
    else:
        node = chance.choice(tables)
        table = schema.table(node.name)
        if table is None:
            return None
        others = [other.name for other in schema.tables if other is not table]
        new = {
            "misspelt table": misspell(node.name, chance),
            "translated table": table.comment,
            "other table": chance.choice(others),
        }[kind]
        if not new:
            return None
        for same in tables:
            if same.name.lower() == table.name.lower():
                same.set("this", exp.Identifier(this=new, quoted=False))
    return tree.sql("sqlite")


def rows_of(path: Path, sql: str) -> list[Any] | None:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        return sorted(map(repr, connection.execute(sql).fetchall()))
    except sqlite3.Error:
        return None
    finally:
        connection.close()


def measure(
    seed: int = 1, show: bool = False, limit: int | None = None
) -> dict[str, tuple[int, int]]:
    """kind -> (mended to the gold result, broken); only broken queries that are refused count."""
    folder = SHARED / "nl2sql_spider"
    schemas = load_schemas(folder, SHARED / "nl2sql_chase_zh" / "tables.json")
    chance = random.Random(seed)
    mended: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()[:limit]:
        question = json.loads(line)
        schema, gold = schemas[question["db_id"]], question["gold_sql"]
        for kind in KINDS:
            wrong = break_query(gold, schema, kind, chance)
            if wrong is None or _runs(wrong, schema):
                continue
            broken[kind] += 1
            repaired = Mender(schema).mend(wrong)
            path = folder / "database" / question["db_id"] / f"{question['db_id']}.sqlite"
            if _runs(repaired, schema) and rows_of(path, repaired) == rows_of(path, gold):
                mended[kind] += 1
            elif show:
                print(f"{kind}\n  gold  {gold}\n  wrong {wrong}\n  now   {repaired}")
    return {kind: (mended[kind], broken[kind]) for kind in KINDS}


def _runs(sql: str, schema: Schema) -> bool:
    try:
        judge(sql, schema, rows=1_000_000)
    except Refused:
        return False
    return True


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", action="store_true", help="print what is not mended")
    chosen = options.parse_args()
    if not SHARED.is_dir():
        print("../shared/data is not beside this clone")
        return
    found = measure(chosen.seed, chosen.show)
    for kind, (good, all_of) in found.items():
        print(f"{kind:<18} {good:>4} of {all_of:>4}  {good / max(all_of, 1):.3f}")
    good, all_of = (sum(pair[side] for pair in found.values()) for side in (0, 1))
    print(f"{'all':<18} {good:>4} of {all_of:>4}  {good / all_of:.3f}")


if __name__ == "__main__":
    main()
