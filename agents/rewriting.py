"""A follow-up and the turns before -> the same question so that it stands alone, by the chat model.

For an agent that cannot see the turns before.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from agents.aside import ask_aside
from agents.question import Question
from workbench.chat.events import Beat

TURNS = 6  # newest turns that a follow-up may lean on
LONGEST_TURN = 600  # characters
PATIENCE = 60.0  # seconds
PROMPT = """Rewrite the last question of this chat so that it can be understood without the chat. \
Keep its language and its meaning, replace pronouns by what they stand for, and reply with the \
question alone.

{turns}

Last question: {question}"""


def stand_alone(question: Question) -> Generator[Beat, None, str]:
    """The question written out; empty without a chat model, or where that one gave no question."""
    text = yield from ask_aside(question, _prompt(question), PATIENCE)
    lines = text.strip().splitlines()
    written = lines[0].strip() if lines else ""
    return re.sub(r'^["“](.*)["”]$', r"\1", written)


def _prompt(question: Question) -> str:
    said = []
    for turn in question.history[-TURNS:]:
        said.append(f"{turn.role}: {turn.content[:LONGEST_TURN]}")
    return PROMPT.format(turns="\n".join(said), question=question.text)
