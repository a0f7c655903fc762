"""What an agent is given for one answer: the question, the turns before it, the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workbench.chat.conversations import Turn
from workbench.language import language_of
from workbench.models.chosen import ChosenModel, choose
from workbench.settings import Settings

SHORT = 24  # characters, a Chinese one counts twice: such a question may lean on the one before


@dataclass
class Question:
    """One question on its way to an answer; the same object for router and agent.

    `history` lists the turns before, oldest first. The router leaves in `found` what the evidence
    of the chosen agent has found (see `agents.evidence`), so that the agent does not search again;
    None where nothing was weighed. Only that agent knows its type.
    """

    text: str
    history: Sequence[Turn]
    settings: Settings
    found: Any = None

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

    @property
    def leans(self) -> bool:
        """Whether the question is so short that it may need the turn before ("and in China?")."""
        width = 2 if self.language == "zh" else 1
        return len(self.text) * width <= SHORT

    @cached_property
    def search_text(self) -> str:
        """The text to search with: a short follow-up is read together with the question before."""
        if not self.leans:
            return self.text
        for turn in reversed(self.history):
            if turn.role == "user":
                return f"{turn.content} {self.text}"
        return self.text
