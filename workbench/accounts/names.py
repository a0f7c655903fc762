"""What a person or a group may be called: a name that is also a folder's, on every system."""

from __future__ import annotations

import re
import unicodedata

from workbench.errors import InvalidInput
from workbench.messages import say

LONGEST = 60  # characters: at four bytes each they still fit a file system's 255
MAIN = "main"
OTHERS = "_.@+-"  # signs that addresses of mail have too
# what Windows keeps for its devices, also with something after a dot
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def checked_name(name: str) -> str:
    """The name in one form of its characters. Raises InvalidInput."""
    name = _same(name.strip())
    if not _fits(name):
        raise InvalidInput(
            say("{name!r} cannot name a person or a group.", name=name),
            say(
                "Use 1 to {longest} letters of any script, digits, dots, hyphens, underscores, "
                "@ or +, without spaces; begin with a letter or a digit, end with no dot.",
                longest=LONGEST,
            ),
        )
    return name


def folded(name: str) -> str:
    """What two names share that a disk without capital letters could not tell apart."""
    text = name.strip().encode("utf-8", "replace").decode()  # half characters are none
    return _same(_same(text).casefold())


def _same(text: str) -> str:
    """One form of each character, however it was typed."""
    return unicodedata.normalize("NFKC", text)


def _fits(name: str) -> bool:
    """Letters with their marks, and digits, of any script; no dot at the end."""
    if not 1 <= len(name) <= LONGEST or DEVICES.fullmatch(folded(name)):
        return False
    kinds = [unicodedata.category(sign)[0] for sign in name]
    known = all(kind in "LMN" or sign in OTHERS for kind, sign in zip(kinds, name, strict=True))
    return known and (kinds[0] in "LN" or name[0] == "_") and not name.endswith(".")
