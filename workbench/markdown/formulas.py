"""A formula in TeX -> the same where it only draws mathematics; else nothing."""

from __future__ import annotations

import re

LONGEST = 2_000
DEEPEST = 40
# they link, load, define without end, or draw over what stands beside
BEYOND_MATHS = re.compile(
    r"\\(?:href|url|includegraphics|html\w*|class|cssId|style"
    r"|[egx]?def|(?:future)?let|(?:re|provide)?newcommand|global|long"
    r"|[hmv]?(?:kern|skip|space)|rule|raise(?:box)?|lower|smash|[rlc]lap|mathllap|mathrlap|mathclap"
    r"|huge|Huge|char|verb|require)(?![a-zA-Z])"
)
# where the page takes the formula for text after all, nothing of this becomes a link or more
MARKDOWN = re.compile(r"\]\s*\(|!\[|://|www\.|[@`]|:[\w+-]+[:\[]|\n\s*\n")


def harmless_formula(tex: str) -> bool:
    """Whether it may be drawn."""
    depth = deepest = 0
    for sign in tex:
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
    short = len(tex) <= LONGEST and deepest <= DEEPEST
    return short and not BEYOND_MATHS.search(tex) and not MARKDOWN.search(tex)


def formula_in_cell(tex: str) -> str:
    r"""The formula without the sign that divides the cells of a table: `|a|` as `\vert a\vert`."""
    return tex.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
