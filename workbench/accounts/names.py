"""What a person or a group may be called: a name that is also a folder's, on every system."""

from __future__ import annotations

import re
import unicodedata

from workbench.errors import InvalidInput
from workbench.messages import say

LONGEST = 60  # characters: at four bytes each they still fit a file system's 255
MAIN = "main"
# letters and digits of any script, and what addresses of mail have; no dot at the end
SIGNS = re.compile(r"\w([\w.@+-]*[\w@+-])?")
# what Windows keeps for its devices, also with something after a dot
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def checked_name(name: str) -> str:
    """The name in one form of its characters. Raises InvalidInput."""
    name = unicodedata.normalize("NFKC", name.strip())
    if len(name) > LONGEST or not SIGNS.fullmatch(name) or DEVICES.fullmatch(folded(name)):
        raise InvalidInput(
            say("{name!r} cannot name a person or a group.", name=name),
            say(
                "Use 1 to {longest} letters of any script, digits, dots, hyphens, underscores, "
                "@ or +, without spaces; end with none of the dots.",
                longest=LONGEST,
            ),
        )
    return name


def folded(name: str) -> str:
    """What two names share that a disk without capital letters could not tell apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())
