"""A search -> the conditions on titles and texts, with their values, for each kind of place.

An SQLite file has an index of every three characters (see `workbench.chat.database.SEARCH`). A
server has one where it has the extension pg_trgm, and else reads the texts.
"""

from __future__ import annotations

import sys
from typing import Any

from workbench.storage.connecting import Database, is_sqlite

Condition = tuple[str, dict[str, Any]]
NOWHERE: Condition = ("false", {})


def title_like(database: Database, search: str) -> Condition:
    """On conversations whose title holds the text, in capitals or not."""
    like = "like" if is_sqlite(database) else "ilike"
    return f"title {like} :title escape '\\'", {"title": f"%{_escaped(search)}%"}


def texts_with(database: Database, search: str) -> Condition:
    """On messages that hold the text, of all answers that have ended.

    A single Latin letter finds none: it is in nearly every text.
    """
    if not search or (len(search) == 1 and search.isascii()):
        return NOWHERE
    if is_sqlite(database):
        return _in_index(search)
    text = {"text": f"%{_escaped(search)}%"}
    return "content ilike :text escape '\\' and state <> 'streaming'", text


def _in_index(search: str) -> Condition:
    if len(search) >= 3:
        phrase = search.replace('"', '""')
        condition = "id in (select rowid from found where found match :phrase)"
        return condition, {"phrase": f'"{phrase}"'}
    first = search.lower()
    condition = "id in (select doc from found_threes where term >= :first and term < :last)"
    return condition, {"first": first, "last": first + chr(sys.maxunicode)}


def _escaped(text: str) -> str:
    """The text for `like … escape '\\'`: its own wildcards are taken as they stand."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, "\\" + sign)
    return text
