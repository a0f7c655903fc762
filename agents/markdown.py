"""The blocks of an answer -> the parts that a page draws; and the sources that a text cites."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

CITATION = re.compile(r"\[(\d+)\]")
PART = 1000  # characters; shorter parts would save nothing


def citations(known: Collection[int], answer: str) -> dict[str, str]:
    """Where the numbers of the known sources lead: `1` of the answer `12` to `passage-12-1`.

    The page shows the passage at such a link (`agents/ui/chat.js`).
    """
    return {str(number): f"passage-{answer}-{number}" for number in known}


def parts(blocks: Sequence[str]) -> list[str]:
    """The blocks in parts that can be drawn one by one, for a page that redraws a growing text.

    All parts but the last stay as they are while the text grows.
    """
    found = [""]
    for block in blocks:
        if len(found[-1]) >= PART:
            found.append("")
        found[-1] += f"\n\n{block}" if found[-1] else block
    return found


def numbers_cited(text: str) -> set[int]:
    """The numbers of the sources that the text cites."""
    return {int(number) for number in CITATION.findall(text)}
