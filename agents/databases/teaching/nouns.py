"""A table or column and a language -> what people call it, one of it and many of it."""

from __future__ import annotations

import re

from agents.databases.naming import spaced
from agents.databases.schema import Column, TableSchema
from workbench.language import language_of

SHORT_COMMENT = 12  # characters; a longer comment explains, it is no name
# names of columns that a question says for something else
AMBIGUOUS = {"count", "number", "total", "sum", "name", "value"}


def nouns(item: TableSchema | Column, language: str) -> tuple[str, ...]:
    """Synonyms, a short comment and its own name, as far as they are in that language.

    Its own name stands alone where nothing else is known, in whichever language it is.
    """
    said = list(item.synonyms)
    if 0 < len(item.comment) <= SHORT_COMMENT:
        said.append(item.comment)
    found = [noun for noun in said if language_of(noun) == language]
    own = spaced(item.name).lower()
    # where people have a word, a name like "ads summary" or "count" is not what they say
    unsaid = bool(found) and (" " in own or own in AMBIGUOUS)
    if language_of(own) == language and not unsaid:
        found.append(own)
    return tuple(dict.fromkeys(found)) or (own,)


def singular(noun: str) -> str:
    if re.search(r"[^aeiou]ies$", noun):
        return f"{noun[:-3]}y"
    if re.search(r"[a-z]s$", noun) and not noun.endswith("ss"):
        return noun[:-1]
    return noun


def plural(noun: str) -> str:
    """An English noun's; a name in another script stays as it is."""
    if noun.endswith("s") or language_of(noun) != "en":
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}s"
