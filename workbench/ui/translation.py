"""An error's English sentence -> Chinese, by the templates of chinese.toml; what has none stays as it is.

Errors are raised and stored in English, where code, command line and logs read them. The page shows them in its own
language. A test keeps the templates complete: every problem, fix and warning in the code has its Chinese.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

TEMPLATES = Path(__file__).with_name("chinese.toml")
HOLE = "{}"
LONGEST = 2000  # characters; what is longer is a log
PLACES = 3  # names before a problem: a setting, its file with the line


@lru_cache(maxsize=512)
def in_chinese(text: str) -> str:
    """The text in Chinese, with names, numbers and reasons put in where they stood.

    Several sentences, findings joined by semicolons and a problem behind its place are told one by one.
    """
    sentences = re.split(r"(?<=\.) ", text)
    if len(sentences) > 1 and all(map(_by_template, sentences)):
        return "".join(map(_by_template, sentences))
    if whole := _by_template(text):
        return whole
    if len(text) > LONGEST:
        return text
    findings = text.split("; ")
    if len(findings) > 1 and (told := [in_chinese(finding) for finding in findings]) != findings:
        return "；".join(told)
    for mark in list(re.finditer(": |：", text))[
        :PLACES
    ]:  # the second: a sentence made in Chinese around an error
        if problem := _by_template(text[mark.end() :]):
            return f"{text[: mark.start()]}：{problem}"
    return text


def _by_template(text: str) -> str:
    """Empty where no template fits."""
    for parts, pattern, chinese in _templates():
        if all(part in text for part in parts) and (found := pattern.fullmatch(text)):
            return _fill(chinese, found.groups())
    return ""


def _fill(chinese: str, parts: tuple[str, ...]) -> str:
    """`{}` takes the parts in order; `{2}` takes the second, where Chinese says them in another order."""
    order = iter(range(len(parts)))

    def part(match: re.Match[str]) -> str:
        return in_chinese(parts[int(match[1]) - 1 if match[1] else next(order)])

    return re.sub(r"\{(\d*)\}", part, chinese)


@lru_cache(maxsize=1)
def _templates() -> list[tuple[list[str], re.Pattern[str], str]]:
    """(own words, pattern, Chinese); those with most words first, so that a general one does not take their place."""
    pairs = tomllib.loads(TEMPLATES.read_text("utf-8"))["sentences"]
    ordered = sorted(pairs.items(), key=lambda pair: len(pair[0].replace(HOLE, "")), reverse=True)
    return [
        (
            english.split(HOLE),
            re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.S),
            chinese,
        )
        for english, chinese in ordered
    ]
