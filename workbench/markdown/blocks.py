"""A tree of Markdown -> its blocks as Markdown that holds nothing but what we print."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from markdown_it.tree import SyntaxTreeNode

from workbench.markdown.characters import legible
from workbench.markdown.escaping import as_text, lines_escaped
from workbench.markdown.formulas import harmless_formula
from workbench.markdown.lines import Line
from workbench.messages import say

MOST_ROWS = 500  # of a table
LANGUAGE = re.compile(r"[A-Za-z][\w+#.-]{0,20}")
DRAWN = ("mermaid",)  # pages draw a diagram of it, which can link and load
TASK = re.compile(r"\\\[([ xX])\\\] ")
RULE = "___"  # unlike --- and *** it joins no list's sign
EMPTY = "\u00a0"
ALIGNED = {"text-align:left": ":---", "text-align:right": "---:", "text-align:center": ":---:"}
LISTS = ("bullet_list", "ordered_list")


class Blocks:
    """Prints blocks; `tell` says a message in the reader's language."""

    def __init__(
        self, citations: Mapping[str, str], tell: Callable[[str], str], portable: bool
    ) -> None:
        self._line = Line(citations, portable)
        self._cell = Line(citations, portable, in_cell=True)
        self._tell = tell
        self._portable = portable

    def printed(self, nodes: Sequence[SyntaxTreeNode]) -> list[str]:
        """A block of text for each node."""
        return [text for text, _ in self._with_kinds(nodes)]

    def _with_kinds(self, nodes: Sequence[SyntaxTreeNode]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        other_sign = False  # of two lists in a row: with one sign they would be one list
        before = ""
        for node in nodes:
            other_sign = not other_sign if node.type == before else False
            before = node.type
            text = self._block(node, other_sign)
            if text:
                found.append((text, node.type))
        return found

    def _block(self, node: SyntaxTreeNode, other_sign: bool) -> str:
        match node.type:
            case "paragraph":
                return lines_escaped(self._inline(node).strip())
            case "heading":
                words = " ".join(self._inline(node).split("\n"))
                return f"{'#' * int(node.tag[1])} {words or EMPTY}"
            case "fence":
                return _code_block(node.content, node.info.strip())
            case "code_block":
                return _code_block(node.content, "")
            case "formula_block":
                return _formula_block(node.content)
            case "blockquote":
                return _indented("\n\n".join(self.printed(node.children)) or EMPTY, "> ", "> ")
            case "bullet_list":
                return self._list(node, ["* " if other_sign else "- "] * len(node.children))
            case "ordered_list":
                first = int(node.attrs.get("start", 1))
                after = ") " if other_sign else ". "
                numbers = range(first, first + len(node.children))
                return self._list(node, [f"{number}{after}" for number in numbers])
            case "table":
                return self._table(node)
            case "hr":
                return RULE
        return ""

    def _list(self, node: SyntaxTreeNode, signs: Sequence[str]) -> str:
        items = []
        for sign, item in zip(signs, node.children, strict=True):
            items.append(_indented(self._item(item), sign, " " * len(sign)))
        between = "\n" if _is_tight(node) else "\n\n"
        return between.join(items)

    def _item(self, item: SyntaxTreeNode) -> str:
        text = ""
        before = ""
        for block, kind in self._with_kinds(item.children):
            close = before == "paragraph" and kind in LISTS
            between = "\n" if close else "\n\n"
            text += between + block if text else TASK.sub(r"[\1] ", block, count=1)
            before = kind
        return text or EMPTY

    def _table(self, node: SyntaxTreeNode) -> str:
        head = node.children[0].children[0]
        body = node.children[1].children if len(node.children) > 1 else []
        aligned = [ALIGNED.get(str(cell.attrs.get("style", "")), "---") for cell in head.children]
        lines = [self._row(head), f"| {' | '.join(aligned)} |"]
        lines += [self._row(row) for row in body[:MOST_ROWS]]
        table = "\n".join(lines)
        if len(body) > MOST_ROWS:
            said = self._tell(
                say("{count:,} more rows are not shown.", count=len(body) - MOST_ROWS)
            )
            table += f"\n\n{as_text(said, self._portable)}"
        return table

    def _row(self, row: SyntaxTreeNode) -> str:
        cells = [self._inline(cell, self._cell).replace("\n", " ") for cell in row.children]
        return f"| {' | '.join(cells)} |"

    def _inline(self, block: SyntaxTreeNode, line: Line | None = None) -> str:
        line = line or self._line
        return "".join(line.printed(inline.children) for inline in block.children)


def _is_tight(node: SyntaxTreeNode) -> bool:
    inner = [child for item in node.children for child in item.children]
    return all(child.hidden for child in inner if child.type == "paragraph")


def _formula_block(tex: str) -> str:
    lines = [line.strip() for line in legible(tex).split("\n") if line.strip()]
    tex = "\n".join(lines)
    if "$" in tex or not harmless_formula(tex):
        return _code_block(tex, "latex")
    return f"$$\n{tex}\n$$"


def _code_block(text: str, info: str) -> str:
    named = LANGUAGE.match(info)
    language = named[0] if named and named[0].lower() not in DRAWN else ""
    text = legible(text).removesuffix("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _indented(text: str, first: str, others: str) -> str:
    """The first line after one sign, every other after another; empty lines stay empty."""
    lines = text.split("\n")
    rest = [others + line if line else others.rstrip() for line in lines[1:]]
    return "\n".join([first + lines[0], *rest])
