"""What an agent is given for one answer: the question, the turns before it, the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workbench.chat.conversations import Turn
from workbench.language import language_of
from workbench.models.chosen import ChosenModel, choose
from workbench.settings import Settings

SHORT = 24  # characters, a Chinese one counts twice: such a question may lean on the one before
# Words that point to the turn before: an opening, a pronoun, an ellipsis. "IT" is a department.
POINTS_EN = re.compile(
    r"^(And|and|Or|or|But|but|Also|Then|What about|what about|How about|how about|Only|only)\b"
    r"|\b([Ii]ts?|[Tt]hey|[Tt]hem|[Tt]heir|[Tt]hose|[Tt]hese)\b"
    r"|\b([Hh]e|[Ss]he|[Hh]im|[Hh]is|[Hh]ers?)\b"
    r"|\b(instead|then|the others?|the second one|that)\s*[?.!]?$"
)
POINTS_ZH = re.compile(
    r"^(那|还有|其他|另外|再|只看|换成|按)|呢\s*[？?。]?$|[它他她]|这个|那个|其中|前者|后者|第[二三四]"
)


@dataclass
class Question:
    """One question on its way to an answer; the same object for router and agent.

    `history` lists the turns before, oldest first. The router leaves in `found` what the evidence
    of the chosen agent has found (see `agents.evidence`), so that the agent does not search again;
    None where nothing was weighed. Only that agent knows its type. `files` are the sources, in the
    collection `settings.attached`, that came with this question: it is answered from them first.
    """

    text: str
    history: Sequence[Turn]
    settings: Settings
    found: Any = None
    files: Sequence[str] = ()

    @cached_property
    def language(self) -> str:
        """`en` or `zh`: the language in which to answer."""
        return language_of(self.text)

    @cached_property
    def model(self) -> ChosenModel | None:
        """The chat model, resolved once an answer, when it is first needed; None for none.

        Raises InvalidInput or NotFound for a wrong name.
        """
        return choose(self.settings)

    @cached_property
    def points_back(self) -> bool:
        """Whether a word points to the turn before ("and in China?", "那苏州呢？")."""
        pattern = POINTS_ZH if self.language == "zh" else POINTS_EN
        return bool(self.history) and bool(pattern.search(self.text.strip()))

    @property
    def short(self) -> bool:
        """Whether the question is so short that it may lack its subject."""
        width = 2 if self.language == "zh" else 1
        return len(self.text) * width <= SHORT

    @cached_property
    def leans(self) -> bool:
        """Whether the question needs the turn before. The router knows better than its length."""
        return bool(self.history) and (self.points_back or self.short)

    @property
    def search_text(self) -> str:
        """The text to search with: a follow-up is read together with the question before."""
        if not self.leans:
            return self.text
        for turn in reversed(self.history):
            if turn.role == "user":
                return f"{turn.content} {self.text}"
        return self.text
