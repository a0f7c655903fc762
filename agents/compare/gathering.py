"""Where questions come from -> question rows: a file, a run's held-out rows, chats, a collection.

gather("held-out:crew", settings)
gather("collection:handbook", settings)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from agents.compare.gaps import questions_about
from agents.compare.questions import from_conversation, read_questions
from rag.store import open_collection
from workbench.artefacts.data_set import read_conversations
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Conversations
from workbench.chat.examples import turns_before, without_citations
from workbench.confined import inside
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

Row = dict[str, Any]
COUNT = 60  # questions of a collection


def gather(origin: str, settings: Settings, count: int = COUNT, seed: int = 42) -> list[Row]:
    """The questions of that origin, each once, with ids.

    Raises NotFound for a run or collection, InvalidInput where it gives no question.
    """
    kind, _, name = origin.partition(":")
    if origin == "rated":
        rows = _of_chats(settings)
    elif kind == "held-out" and name:
        rows = _of_a_run(name.removeprefix("local:"), settings)
    elif kind == "collection" and name:
        passages = open_collection(settings, name).passages()
        rows = questions_about(passages, name, count, seed)
    else:
        rows = read_questions(inside(origin, settings))
    found = _each_once(rows)
    if not found:
        raise InvalidInput(
            say("{origin} gives no questions.", origin=origin),
            "Name another origin: a file, held-out:RUN, rated, or collection:NAME.",
        )
    return found


def name_of(origin: str) -> str:
    """What a comparison on these questions is called: the run, the collection, or the file."""
    kind, colon, name = origin.partition(":")
    if colon and kind in ("held-out", "collection"):
        return name.removeprefix("local:")
    return Path(origin).stem


def _of_a_run(name: str, settings: Settings) -> list[Row]:
    run = RunFolder(settings.home / "runs" / name)
    if not name or run.folder.parent != settings.home / "runs" or not run.card_file.exists():
        raise NotFound(
            say("There is no run {name}.", name=name), "See the runs on the Training page."
        )
    return _of_conversations(read_conversations(run.eval_data))


def _of_conversations(conversations: Iterable[Sequence[Row]]) -> list[Row]:
    rows: list[Row] = []
    for turns in conversations:
        try:
            rows.append(from_conversation(turns))
        except InvalidInput:
            continue  # it ends with something else than an answer: a tool's call
    return rows


def _of_chats(settings: Settings) -> list[Row]:
    """Answers that were found good, and corrections in place of what they correct."""
    conversations = Conversations(settings.database)
    rows: list[Row] = []
    for answer in conversations.rated():
        *before, question, _ = conversations.path_to(answer.id)
        row: Row = {
            "question": question.content,
            "answer": without_citations(answer.correction or answer.content),
            "provenance": {"conversation": answer.conversation, "message": answer.id},
        }
        turns = turns_before(before)
        if turns:
            row["history"] = [{"role": one["role"], "content": one["content"]} for one in turns]
        rows.append(row)
    return rows


def _each_once(rows: Iterable[Row]) -> list[Row]:
    """The first of each question; one that several ask needs only one answer."""
    found: dict[str, Row] = {}
    for row in rows:
        asked = f"{row['question']} {row.get('history', '')}"
        number = len(found) + 1
        found.setdefault(asked, {"id": f"q{number}", **row})
    return list(found.values())
