"""What stands in a line of Markdown -> the same, with nothing but what we print.

Every text is escaped, every link is http or https and says where it leads, a picture is a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markdown_it.tree import SyntaxTreeNode

from workbench.markdown.addresses import Address, bare_addresses, read_address
from workbench.markdown.characters import legible
from workbench.markdown.escaping import as_code, escaped
from workbench.markdown.formulas import formula_in_cell, harmless_formula

CITATION = re.compile(r"\[(\d{1,6})\]")
SIGNS = {"em": "*", "strong": "**", "s": "~~"}
MOST_OF_A_NAME = 200  # characters of an address or of a picture's words


class Line:
    """Prints nodes. `citations`: the numbers in brackets that lead to a place in the page.

    `portable`: for any reader of Markdown, else for Streamlit's pages.
    """

    def __init__(
        self,
        citations: Mapping[str, str],
        portable: bool = False,
        in_cell: bool = False,
        in_link: bool = False,
    ) -> None:
        self._citations = citations
        self._portable = portable
        self._in_cell = in_cell
        self._in_link = in_link

    def printed(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: SyntaxTreeNode) -> str:
        kind = node.type
        if kind == "softbreak":
            return "\n"
        if kind == "hardbreak":
            return "  \n"
        if kind == "code_inline":
            return self._code(node.content)
        if kind == "formula":
            return self._formula(node.content, node.markup)
        if kind in SIGNS:
            return f"{SIGNS[kind]}{self.printed(node.children)}{SIGNS[kind]}"
        if kind == "link":
            return self._link(node)
        if kind == "image":
            return self._picture(node)
        return self._text(node.content)

    def _text(self, text: str) -> str:
        """Escaped; addresses and known citations as links."""
        text = legible(text)
        if self._in_link:
            return self._escaped(text)
        pieces = []
        end = 0
        for begin, after, address in bare_addresses(text):
            written = text[begin:after]
            pieces.append(self._cited(text[end:begin]))
            pieces.append(self._told(self._escaped(written), written, address))
            end = after
        return "".join([*pieces, self._cited(text[end:])])

    def _cited(self, text: str) -> str:
        """`[1]` of a known source leads to its passage; any other number stays text."""
        pieces = []
        end = 0
        for match in CITATION.finditer(text):
            if match[1] in self._citations:
                pieces.append(self._escaped(text[end : match.start()]))
                pieces.append(f"[{match[1]}](#{self._citations[match[1]]})")
                end = match.end()
        return "".join([*pieces, self._escaped(text[end:])])

    def _code(self, text: str) -> str:
        if not self._in_cell or "|" not in text:
            return as_code(text)
        if "\\" in text:  # of a backslash before a divider, readers of tables have two opinions
            return self._escaped(legible(text))
        return as_code(text).replace("|", "\\|")

    def _formula(self, tex: str, sign: str) -> str:
        tex = " ".join(legible(tex).split("\n"))
        if not harmless_formula(tex):
            return self._code(f"{sign}{tex}{sign}")
        return f"{sign}{formula_in_cell(tex) if self._in_cell else tex}{sign}"

    def _link(self, node: SyntaxTreeNode) -> str:
        target = str(node.attrs["href"])
        address = read_address(target)
        inside = Line(self._citations, self._portable, self._in_cell, in_link=True)
        shown = inside.printed(node.children)
        if address and shown.strip():
            return self._told(shown, _words(node), address)
        if address:
            return self._told(self._escaped(address.host), address.host, address)
        return f"{shown} {self._escaped(f'({_short(target)})')}".strip()

    def _picture(self, node: SyntaxTreeNode) -> str:
        """A chip that names the host. A click on it opens the picture, and nothing else does."""
        target = str(node.attrs["src"])
        address = read_address(target)
        place = address.host if address else _short(target)
        label = " · ".join(part for part in (_short(_words(node)), place) if part)
        chip = self._escaped(label)
        if not self._portable:
            chip = f":gray-badge[:material/image: {chip}]"
        return f"[{chip}](<{address.url}>)" if address and not self._in_link else chip

    def _told(self, shown: str, words: str, address: Address) -> str:
        """A link that says where it leads, unless its words are just that."""
        told = address.told_by(words.strip())
        leads = "" if told else f" ↗ {self._escaped(address.host)}"
        return f"[{shown}{leads}](<{address.url}>)"

    def _escaped(self, text: str) -> str:
        return escaped(text, self._portable)


def _words(node: SyntaxTreeNode) -> str:
    """All text within the node."""
    return "".join(child.content for child in node.walk() if not child.children)


def _short(text: str) -> str:
    text = " ".join(legible(text).split())
    return text if len(text) <= MOST_OF_A_NAME else text[:MOST_OF_A_NAME] + "…"
