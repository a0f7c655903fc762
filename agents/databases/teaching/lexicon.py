"""The words of a question that mean something to a query -> what they mean, in both languages.

`words_en.toml` and `words_zh.toml` are the tables: a row is a meaning with the phrases that say it,
the first of which is what a writer is told for all of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Lexicon:
    """`meanings` and `trailing` map a phrase to (meaning, what a writer is told); `loose` is words.

    A trailing phrase follows what it belongs to: "100 or more". `rewrites` maps a word to the two
    that it means. `names` maps language and meaning
    to what a person is told.
    """

    meanings: Mapping[str, tuple[str, str]]
    trailing: Mapping[str, tuple[str, str]]
    loose: frozenset[str]
    names: Mapping[tuple[str, str], str]
    rewrites: Mapping[str, str]

    def phrases(self, meaning: str) -> list[str]:
        """All that say it, the longest first."""
        found = [phrase for phrase, (meant, _) in self.meanings.items() if meant == meaning]
        return sorted(found, key=len, reverse=True)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Both languages as one: a question may hold words of both."""
    meanings: dict[str, tuple[str, str]] = {}
    trailing: dict[str, tuple[str, str]] = {}
    names: dict[tuple[str, str], str] = {}
    loose: set[str] = set()
    rewrites: dict[str, str] = {}
    for language in LANGUAGES:
        table = tomllib.loads(Path(__file__).with_name(f"words_{language}.toml").read_text("utf-8"))
        loose.update(table["loose"].split())
        rewrites |= table["rewrites"]
        for meaning, phrases in table["concepts"].items():
            names[language, meaning] = phrases[0]
            for phrase in phrases:
                meanings[phrase] = (meaning, phrases[0])
        for meaning, phrases in table["after"].items():
            said = names[language, meaning]
            for phrase in phrases:
                trailing[phrase] = (meaning, said)
    return Lexicon(meanings, trailing, frozenset(loose), names, rewrites)
