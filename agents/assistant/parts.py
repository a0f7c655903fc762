"""A question -> its parts, by its words; and whether they need several agents."""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.question import Question
from workbench.language import localized

FEWEST_SIGNS = 4  # of a part; less is a piece of the part before
MOST_PARTS = 6
ASKS = (
    r"(?:how|what|which|who|whose|when|where|why|is|are|do|does|did|can|may|must|tell|compute"
    r"|forecast)"
)
BETWEEN_EN = re.compile(
    rf"[?;]\s+|,?\s+(?:and then|and also|and|then|also)\s+(?={ASKS}\b)|,\s+(?={ASKS}\b)", re.I
)
BETWEEN_ZH = re.compile(
    r"[？；?;]\s*|[，,]\s*(?=(?:然后|再|并且|并|以及|还有|另外|同时|它们|两者|二者)?"
    r"(?:.{0,12})(?:多少|几|哪|什么|谁|何时|是否|合计|相差|一共|总共))"
)
FIRST_ZH = re.compile(r"^(?:然后|再|并且|并|以及|还有|另外|同时)\s*")


def parts_of(text: str, language: str) -> list[str]:
    """The questions within a question, in their order; itself alone where there is one."""
    between = BETWEEN_ZH if language == "zh" else BETWEEN_EN
    parts = []
    for part in between.split(text.strip()):
        part = FIRST_ZH.sub("", part.strip(" ,，。")) if part else ""
        if len(part) < FEWEST_SIGNS:
            continue
        mark = "？" if language == "zh" else "?"
        parts.append(part if part.endswith(("?", "？", ".")) else part + mark)
    return parts[:MOST_PARTS] or [text]


def reason_to_take_apart(question: Question, weigh: Callable[[str], str]) -> str:
    """Why several agents should be asked; empty unless each part is clearly known to one of them.

    `weigh` names the agent that clearly knows a text, or "". One agent for all parts answers alone.
    """
    parts = parts_of(question.text, question.language)
    if len(parts) < 2:
        return ""
    knowing = [weigh(part) for part in parts]
    if not all(knowing) or len(set(knowing)) < 2:
        return ""
    return localized(
        question.language,
        f"its {len(parts)} parts are for different agents",
        f"问题的 {len(parts)} 个部分分别由不同的智能体回答",
    )
