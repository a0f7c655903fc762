"""Names and questions -> comparable pieces: identifiers as words, words without their endings."""

from __future__ import annotations

import re

from workbench.language import CJK, words

# columns that a row is called by, such as `name` or `song_title`
CALLED_BY = re.compile(r"(^|_)(name|title)s?$|名称?$|姓名|标题|题目", re.I)
ENDINGS = ("ies", "es", "s", "ing", "ed")
SHORTEST_STEM = 3  # characters
_CJK = re.compile(f"[{CJK}]")


def pieces(text: str) -> list[str]:
    """Words without their endings; single characters of scripts without spaces, each once.

    Names in those scripts are too short for the pairs of characters that `words` gives.
    """
    found: list[str] = []
    for word in words(spaced(text)):
        if _CJK.match(word):
            found += list(word)
        else:
            found.append(stem(word))
    return list(dict.fromkeys(found))


def stem(word: str) -> str:
    """The word without a plural or verb ending, where enough of it stays."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            start = word[: -len(ending)]
            return f"{start}y" if ending == "ies" else start
    return word


def spaced(name: str) -> str:
    """An identifier as words: song_release_year, songReleaseYear -> song release year."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")
