"""A model's Markdown -> the same without what reaches out or hides, with citations as badges."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n`]*\n"  # a fenced block: its first line,
    r"(?:.*?^[ \t>]*(?P=fence)[`~]*[ \t]*$|.*\Z)"  # and all to its last one, or to the end
    r"|(?<![`\\])(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)",  # a span within one line
    re.MULTILINE | re.DOTALL,
)
# without one of these no picture can exist: ![a](address), ![a][name], and [name]: address
PICTURE_POSSIBLE = re.compile(r"\][(\[:]")
PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
TAG = re.compile(r"<(?=[a-zA-Z/!?])")
AMOUNT = re.compile(r"\$(?=\d)")  # a sum of money, which a second one would make a formula
CITATION = re.compile(r"\[(\d+)\]")


def safe(text: str) -> str:
    """The text without pictures, raw HTML and accidental formulas; code keeps its `<` and `$`.

    Pictures are taken out of code too: they fetch from a foreign host, and the page may see the
    borders of code elsewhere than we do. HTML is never rendered, so a wrong border is harmless.
    """
    if PICTURE_POSSIBLE.search(text):
        text = PICTURE.sub(r"\1", text)
        text = re.sub(r"!+\[", "[", text)
    return _outside_code(text, _escaped)


def cited(text: str, known: Collection[int]) -> str:
    """Citations of the known sources as small badges, so that they read apart from the text."""

    def badge(match: re.Match[str]) -> str:
        number = match[1]
        return f":primary-badge[{number}]" if int(number) in known else match[0]

    return _outside_code(text, lambda piece: CITATION.sub(badge, piece))


def numbers_cited(text: str) -> set[int]:
    """The numbers of the sources that the text cites."""
    return {int(number) for number in CITATION.findall(text)}


def _escaped(text: str) -> str:
    return AMOUNT.sub(r"\\$", TAG.sub("&lt;", text))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with the change made to all but its code blocks and code spans."""
    parts = []
    end = 0
    for code in CODE.finditer(text):
        parts.append(change(text[end : code.start()]))
        parts.append(code[0])
        end = code.end()
    parts.append(change(text[end:]))
    return "".join(parts)
