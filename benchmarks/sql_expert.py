"""What linking, repair, verified pairs and a confirming query each add to right results.

python benchmarks/sql_expert.py [--seed 1] [--each 1] [--language en]    reads ../shared/data
python benchmarks/sql_expert.py --model packaged:smollm2-135m --each 8 --language en --way all

Each question of Spider is asked of its database with the tables of the other twelve beside its own.
The model is the scripted one of erring.py, on a server of its own; whatever else happens is the
product's. Half of each database's questions, drawn by the seed, become verified pairs, and only the
others are asked. A result is right where it equals the gold query's on the database and on all its
variants in `testsuite`. "dies" counts questions that end without a result, "wrong" those with
another one. The queries of Chase cannot be scored so: its databases have no rows.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from erring import ErringModel, Known, load_known
from repair import SHARED

from agents.data.expert import answer_from_data
from agents.data.result import Written
from agents.databases.introspect import add_and_read
from agents.databases.linking import Linked
from agents.databases.notes import Notes, add_pair
from agents.question import Question
from workbench.chat.events import Query
from workbench.errors import WorkbenchError
from workbench.settings import Settings, load_settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
FOLDER = SHARED / "nl2sql_spider"
MOST_ROWS = 100_000  # so that no result is cut
CONTEXT = 16_384  # tokens: the schema of all thirteen databases fits, and nothing is left out of it
# What stands in for a part that is left out.
LEFT_OUT: dict[str, dict[str, Any]] = {
    "linking": {"agents.data.by_model.link": lambda _, schema, *rest: Linked(schema, True)},
    "repair": {
        "agents.data.by_model.ATTEMPTS": 1,
        "agents.data.by_model.mend": lambda sql, _: Written(sql),
        "agents.data.confirming.mend": lambda sql, _: Written(sql),
    },
    "verified pairs": {"agents.data.expert.load_notes": lambda *_: Notes()},
    "second query": {"agents.data.by_model.wants_confirmation": lambda _: False},
}
PARTS = tuple(LEFT_OUT)
WAYS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    **{f"+ {part}": (part,) for part in PARTS},
    **{f"all but {part}": tuple(p for p in PARTS if p != part) for part in PARTS},
    "all": PARTS,
}


@dataclass(frozen=True)
class Asked:
    """A question with the gold query's rows on each file of its database."""

    text: str
    known: Known
    source: str
    ordered: bool
    gold: dict[Path, Any]


@dataclass
class Tally:
    """How often a result was right, another one or none, and what it took."""

    right: int = 0
    wrong: int = 0
    died: int = 0
    requests: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        count = self.right + self.wrong + self.died
        share = self.right / max(count, 1)
        each = self.requests / max(count, 1)
        return (
            f"{name:<24}{count:>6}{self.right:>7}{self.wrong:>7}{self.died:>7}{share:>8.3f}"
            f"{each:>10.2f}{self.seconds:>9.1f}"
        )


def make_database(name: str, names: Sequence[str], folder: Path) -> Path:
    """A database with the tables of all; those that are called like one of its own are left out."""
    path = folder / f"{name}.sqlite"
    shutil.copy(FOLDER / "database" / name / f"{name}.sqlite", path)
    connection = sqlite3.connect(path)
    connection.text_factory = bytes  # some cells are no UTF-8, and are copied as they are
    own = {table.lower() for table, _ in _tables(connection, "main")}
    for other in [other for other in names if other != name]:
        file = FOLDER / "database" / other / f"{other}.sqlite"
        connection.execute("ATTACH ? AS other", (str(file),))
        for table, statement in _tables(connection, "other"):
            if table.lower() in own:
                continue
            own.add(table.lower())
            connection.execute(statement)
            connection.execute(f'INSERT INTO main."{table}" SELECT * FROM other."{table}"')
        connection.commit()
        connection.execute("DETACH other")
    connection.close()
    return path


def _tables(connection: sqlite3.Connection, space: str) -> list[tuple[str, str]]:
    """(name, the statement that makes it) of each table."""
    rows = connection.execute(f"SELECT name, sql FROM {space}.sqlite_master WHERE type = 'table'")
    found = [(name.decode(), statement.decode()) for name, statement in rows.fetchall()]
    return [(name, statement) for name, statement in found if not name.startswith("sqlite_")]


def rows_of(path: Path, sql: str, ordered: bool) -> Any:
    """The rows as they compare; None where the query does not run there."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        rows = [repr(tuple(sorted(map(repr, row)))) for row in connection.execute(sql).fetchall()]
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return rows if ordered else sorted(rows)


def prepare(
    language: str, seed: int, each: int, settings: Settings, folder: Path
) -> tuple[list[Asked], ErringModel]:
    """The questions to ask, half of each database's; the others are kept as verified pairs."""
    rows = load_known(language)
    names = sorted({row["db_id"] for row, _ in rows})
    asked = []
    model = ErringModel(seed)
    for name in names:
        own = [(row, known) for row, known in rows if row["db_id"] == name]
        random.Random(f"{seed}|{name}").shuffle(own)
        path = make_database(name, names, folder)
        source, _ = add_and_read(settings, f"{name}-{language}", str(path))
        half = len(own) // 2
        for row, known in own[:half]:
            add_pair(source, settings, row[f"question_{language}"], known.sql)
        files = [
            FOLDER / "database" / name / f"{name}.sqlite",
            *sorted((FOLDER / "testsuite" / name).glob("*.sqlite")),
        ]
        for row, known in own[half::each]:
            text = row[f"question_{language}"].strip()
            ordered = row["order_matters"]
            gold = {file: rows_of(file, known.sql, ordered) for file in files}
            asked.append(Asked(text, known, source.name, ordered, gold))
            model.questions[text] = known
    return asked, model


@contextmanager
def only(parts: Sequence[str]) -> Iterator[None]:
    """Inside, the expert has these of PARTS and no other."""
    with ExitStack() as stack:
        for part in PARTS:
            for place, stand_in in LEFT_OUT[part].items() if part not in parts else ():
                stack.enter_context(patch(place, stand_in))
        yield


def measure(
    asked: Sequence[Asked], model: ErringModel, requests: list[Any], settings: Settings
) -> Tally:
    """Ask all; the model's slips begin again, so that each way meets the same ones."""
    tally = Tally()
    model.written.clear()
    requests.clear()
    begun = time.perf_counter()
    for question in asked:
        sql = ask(question, settings, tally)
        if not sql:
            tally.died += 1
        elif all(
            rows_of(file, sql, question.ordered) == rows for file, rows in question.gold.items()
        ):
            tally.right += 1
        else:
            tally.wrong += 1
            tally.problems.append(f"{question.text}\n  gold {question.known.sql}\n  ran  {sql}")
    tally.seconds = time.perf_counter() - begun
    tally.requests = len(requests)
    return tally


def ask(question: Asked, settings: Settings, tally: Tally) -> str:
    """The query that the answer rests on; nothing where it has none."""
    chosen = settings.model_copy(update={"source": question.source})
    events = answer_from_data(Question(question.text, [], chosen))
    try:
        for event in events:
            if isinstance(event, Query):
                return event.sql
    except WorkbenchError as error:
        tally.problems.append(
            f"{question.text}\n  gold {question.known.sql}\n  died {error.problem}"
        )
    finally:
        events.close()  # type: ignore[attr-defined]
    return ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--each", type=int, default=1, help="ask only each n-th question")
    options.add_argument("--language", choices=("en", "zh"), help="only this one")
    options.add_argument("--way", choices=WAYS, help="only this line of the table")
    options.add_argument("--model", default="", help="a real model, such as ollama:NAME, instead")
    options.add_argument("--show", action="store_true", help="print what is not right")
    chosen = options.parse_args()
    if not SHARED.is_dir():
        print("../shared/data is not beside this clone")
        return
    for language in [chosen.language] if chosen.language else ["en", "zh"]:
        with tempfile.TemporaryDirectory() as home:
            print_table(language, Path(home), chosen)


def print_table(language: str, home: Path, chosen: argparse.Namespace) -> None:
    from model_servers import Script, openai_server

    settings = load_settings(
        home=home / "workspace",
        model=chosen.model or "openai:erring",
        context_tokens=CONTEXT,
        query_rows=MOST_ROWS,
        confirm_queries="always",
    )
    asked, model = prepare(language, chosen.seed, chosen.each, settings, home)
    script = Script(reply=model.reply)
    print(
        f"{f'{language}, seed {chosen.seed}':<24}{'asked':>6}{'right':>7}{'wrong':>7}{'dies':>7}"
        f"{'share':>8}{'requests':>10}{'seconds':>9}"
    )
    with openai_server(script) as url:
        if not chosen.model:
            settings = settings.model_copy(update={"openai_base_url": url})
        for name in [chosen.way] if chosen.way else WAYS:
            with only(WAYS[name]):
                tally = measure(asked, model, script.requests, settings)
            print(tally.line(name), flush=True)
            if chosen.show:
                print("\n".join(tally.problems))


if __name__ == "__main__":
    main()
