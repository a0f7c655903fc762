"""Text -> Markdown that shows exactly that text, in Streamlit and in any other reader."""

from __future__ import annotations

import re

from workbench.markdown.characters import legible

MARKS = re.compile(r"[\\`*_{}\[\]()#+!|<>$~:&]")  # what Markdown and Streamlit give a meaning
# at the beginning of a line also: lists, headings by underlining, front matter
LINE_BEGINS = re.compile(r"^([ \t]*)(?:([-=])|(\d{1,9})([.)]))", re.MULTILINE)
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)  # four of it would be a block of code

# Streamlit looks for addresses and short names in the finished text, where no escape is left: the
# character gets an element of its own, so that no pattern meets it.
PATTERNS = (
    re.compile(r"(?<=http)\\:(?=//)|(?<=https)\\:(?=//)|(?<=www)\.(?=\w)", re.IGNORECASE),
    re.compile(r"(?<=[\w.+-])@(?=[\w\\-]+\.)"),
    re.compile(r"\\:(?=(?:\\?[\w+/-])+\\:)"),
)
APART = ":color[{}]"  # a span of Streamlit's without any style


def escaped(text: str, portable: bool = False) -> str:
    """The text with a backslash before each sign of Markdown; its lines keep their breaks."""
    text = MARKS.sub(r"\\\g<0>", text)
    for pattern in () if portable else PATTERNS:
        text = pattern.sub(_apart, text)
    return text


def lines_escaped(text: str) -> str:
    """Escaped Markdown whose lines begin no list, heading or code either."""
    return LINE_BEGINS.sub(_begin, INDENT.sub(_spaces, text))


def as_text(text: str, portable: bool = False) -> str:
    """The text as it stands: nothing in it is Markdown, HTML, a formula, a link or a picture."""
    return lines_escaped(escaped(legible(text), portable))


def as_code(text: str) -> str:
    """The text as a span of code in one line."""
    text = " ".join(legible(text).split("\n"))
    if not text.strip():
        return text
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    edge = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def _apart(match: re.Match[str]) -> str:
    return APART.format("\\" + match[0].removeprefix("\\"))


def _begin(match: re.Match[str]) -> str:
    indent, sign, number, after = match.groups()
    return f"{indent}\\{sign}" if sign else f"{indent}{number}\\{after}"


def _spaces(match: re.Match[str]) -> str:
    return "\u00a0" * min(len(match[0].expandtabs(4)), 40)
