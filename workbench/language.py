"""What language a text is in, its words, and about how many tokens it takes."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache

# Chinese, Japanese and Korean write no spaces between words: pairs of characters stand for words
CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f"
_IDEOGRAPHS = ((0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x2FA20))  # of Chinese
LANGUAGE_COOKIE = "workbench_language"  # what a person has chosen in this browser
OPENING = 200  # characters of a long text that show its language
LATIN = re.compile(r"[A-Za-z]")
_CJK = re.compile(rf"[{CJK}]")
_RUNS = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")


def words(text: str) -> list[str]:
    """Lower-cased words of spaced scripts, character pairs of unspaced ones.

    A lone character of an unspaced script stands for itself. Full width becomes half width, and
    traditional Chinese characters become simplified ones.
    """
    found: list[str] = []
    normal = unicodedata.normalize("NFKC", text).lower()
    for run in _RUNS.findall(normal):
        if not _CJK.match(run):
            found.append(run)
            continue
        simple = simplified(run)
        if len(simple) == 1:
            found.append(simple)
        found += [simple[start : start + 2] for start in range(len(simple) - 1)]
    return found


def simplified(text: str) -> str:
    """The text with each traditional Chinese character in its simplified form."""
    return text.translate(_simplified_characters())


@cache
def _simplified_characters() -> dict[int, str]:
    """Traditional -> simplified, one character each.

    OpenCC itself looks at phrases too, so that a part of a phrase would become something else than
    the same characters alone.
    """
    from opencc import OpenCC

    characters = [chr(code) for start, end in _IDEOGRAPHS for code in range(start, end)]
    converted = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, converted, strict=True)
    return {ord(before): after for before, after in pairs if before != after}


def language_of(text: str) -> str:
    """`zh` where at least a third of the letters are Chinese, Japanese or Korean, else `en`."""
    letters = sum(map(str.isalpha, text))
    unspaced = len(_CJK.findall(text))
    return "zh" if letters and unspaced * 3 >= letters else "en"


def tokens(text: str) -> int:
    """A careful estimate, rather too high than too low.

    A token is 3 Latin letters, 2 spaces or 0.8 of any other sign: digits and Chinese characters
    are cut finer than words by every tokenizer that was measured.
    """
    latin = len(LATIN.findall(text))
    spaces = text.count(" ")
    others = len(text) - latin - spaces
    return 1 + math.ceil(latin / 3 + spaces / 2 + others * 1.25)


def localized(language: str, english: str, chinese: str) -> str:
    """The text in that language, `en` or `zh`. Side by side, neither can be forgotten."""
    return chinese if language == "zh" else english
