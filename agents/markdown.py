"""A model's Markdown -> the same without what reaches out or hides, with citations as links."""

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
# an empty line, and after it a line that goes on with nothing before it: no item, no indented text
STANDS_ALONE = re.compile(r"\n[ \t]*\n(?=[^\s*+\-\d>])")
PART = 1000  # characters; shorter parts would save nothing


def safe(text: str) -> str:
    """The text without pictures, raw HTML and accidental formulas; code keeps its `<` and `$`.

    Pictures are taken out of code too: they fetch from a foreign host, and the page may see the
    borders of code elsewhere than we do. HTML is never rendered, so a wrong border is harmless.
    """
    if PICTURE_POSSIBLE.search(text):
        text = PICTURE.sub(r"\1", text)
        text = re.sub(r"!+\[", "[", text)
    return _outside_code(text, _escaped)


def cited(text: str, known: Collection[int], answer: str) -> str:
    """Citations of the known sources as links: `[1]` of the answer `12` leads to `#passage-12-1`.

    The page shows the passage at such a link (`agents/ui/chat.js`).
    """

    def link(match: re.Match[str]) -> str:
        number = match[1]
        if int(number) not in known:
            return match[0]
        return f"[{number}](#passage-{answer}-{number})"

    return _outside_code(text, lambda piece: CITATION.sub(link, piece))


def parts(text: str) -> list[str]:
    """The text in parts that can be drawn one by one, for a page that redraws a growing text.

    A part ends before a paragraph, heading or table that stands by itself: never within code or a
    list. All parts but the last stay as they are while the text grows.
    """
    found: list[str] = []
    start = 0
    code = [match.span() for match in CODE.finditer(text)]
    for match in STANDS_ALONE.finditer(text):
        place = match.end()
        within = any(begin < place < end for begin, end in code)
        if place - start >= PART and not within:
            found.append(text[start:place])
            start = place
    return [*found, text[start:]]


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
