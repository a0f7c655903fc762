"""Whether a message is a greeting, thanks or a farewell, in the usual languages."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

PARTS = re.compile(r"[,;.!?~，；。！？～、…\n]+")
BESIDE_LETTERS = re.compile(r"[^\w\s'’]|_")  # smileys and other signs
LIST = Path(__file__).with_name("courtesies.txt")


def is_courtesy(text: str) -> bool:
    """Whether every part of the text between its marks is on the list, such as "你好，在吗？"."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    parts = [" ".join(BESIDE_LETTERS.sub(" ", part).split()) for part in PARTS.split(normal)]
    said = [part for part in parts if part]
    return bool(said) and all(part in _known() for part in said)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    lines = LIST.read_text("utf-8").casefold().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
