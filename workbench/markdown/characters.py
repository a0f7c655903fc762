"""Text -> the same text without characters that hide, reorder or are too many."""

from __future__ import annotations

import re
from collections.abc import Callable

from workbench.messages import say

MOST = 100_000  # characters that are shown of one text

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufffe\uffff]")
LINE_END = re.compile(r"\r\n?|[\x85\u2028\u2029]")
REORDERING = re.compile(r"[\u202a-\u202e\u2066-\u2069\u061c\u200e\u200f]")
# they have no width and no use in a line, or look like a space but count as a letter
UNSEEN = re.compile(
    r"[\u180e\u200b\u2060-\u2065\u206a-\u206f\u115f\u1160\u3164\uffa0\u2800\u034f]"
    r"|[\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
USELESS = re.compile(r"[\u00ad\ufeff]")  # where a line may break, and how a file begins
# a joiner has a use between letters of scripts that join, and between pictures
JOINER = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")


def legible(text: str) -> str:
    """Each character that reorders or is not seen by its code, such as ⟨U+202E⟩.

    After Unicode's report 36 on security; the flags that are spelled with tags lose them.
    """
    text = LINE_END.sub("\n", text)
    text = CONTROL.sub("\ufffd", USELESS.sub("", text))
    for hidden in (REORDERING, UNSEEN, JOINER):
        text = hidden.sub(_code, text)
    return text


def shortened(text: str, tell: Callable[[str], str] = str, most: int = MOST) -> tuple[str, str]:
    """As much of the text as is shown, and what is said of the rest: nothing where none is."""
    if len(text) <= most:
        return text, ""
    left_out = say("{count:,} more characters are not shown.", count=len(text) - most)
    return text[:most], tell(left_out)


def _code(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"
