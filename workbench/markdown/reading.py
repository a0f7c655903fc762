"""Markdown -> its tree, read by the rules of CommonMark with tables, strikethrough and formulas.

What a reader needs no page for is not read: raw HTML and definitions of references are text.
"""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

MOST_BRACKETS = 4_000  # with more the time for finding links becomes long

# one line, no space inside the dollars, no digit after: "$5 and $6" is no formula (as in pandoc)
FORMULA = re.compile(r"(\${1,2})(?![\s$])([^$\n]*[^\s$\\])\1(?![\d$])")
AMOUNT = re.compile(r"\d[^\\^_{}=]*$")
BLOCK_OPENS = re.compile(r"\$\$[ \t]*")


def read_markdown(text: str) -> SyntaxTreeNode:
    """The tree of the text."""
    with_links = text.count("[") <= MOST_BRACKETS
    return SyntaxTreeNode(_reader(with_links).parse(text))


@cache
def _reader(with_links: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.disable("reference")
    if not with_links:
        reader.disable(["link", "image"])
    reader.inline.ruler.before("escape", "formula", _formula)
    reader.block.ruler.before(
        "fence", "formula_block", _formula_block, {"alt": ["paragraph", "blockquote", "list"]}
    )
    return reader


def _formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    match = FORMULA.match(state.src, state.pos, state.posMax)
    if not match or AMOUNT.match(match[2]):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = match[2]
        token.markup = match[1]
    state.pos = match.end()
    return True


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines between two that are `$$` alone."""
    if state.is_code_block(start) or not BLOCK_OPENS.fullmatch(_line(state, start)):
        return False
    for last in range(start + 1, end):
        if state.sCount[last] < state.blkIndent:
            return False
        if BLOCK_OPENS.fullmatch(_line(state, last)):
            break
    else:
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content = state.getLines(start + 1, last, state.sCount[start], False)
        token.map = [start, last + 1]
        state.line = last + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
