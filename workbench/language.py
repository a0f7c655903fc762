"""What language a text is in, its words, and about how many tokens it takes."""

from __future__ import annotations

import math
import re
import unicodedata

# Chinese, Japanese and Korean scripts are written without spaces between words: pairs of characters stand for words
CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f"
_RUNS = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
LATIN = re.compile(r"[A-Za-z]")
_CJK = re.compile(rf"[{CJK}]")


def words(text: str) -> list[str]:
    """Lower-cased words of spaced scripts, character pairs of unspaced ones (a lone character stands for itself)."""
    found: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
        if _CJK.match(run) and len(run) > 1:
            found += [run[start : start + 2] for start in range(len(run) - 1)]
        else:
            found.append(run)
    return found


def language_of(text: str) -> str:
    """`zh` where at least a third of the letters are Chinese, Japanese or Korean, else `en`."""
    letters = sum(character.isalpha() for character in text)
    return "zh" if letters and len(_CJK.findall(text)) * 3 >= letters else "en"


def tokens(text: str) -> int:
    """A careful estimate: 3 Latin letters or 2 spaces a token, 0.8 Chinese characters; a digit or any other sign is one."""
    latin = len(LATIN.findall(text))
    spaces = text.count(" ")
    return 1 + math.ceil(latin / 3 + spaces / 2 + (len(text) - latin - spaces) * 1.25)


def localized(language: str, english: str, chinese: str) -> str:
    """The text in that language, `en` or `zh`. Both stand side by side, so neither can be missing."""
    return chinese if language == "zh" else english
