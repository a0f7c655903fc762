"""What an agent is given for one answer: the question, the turns before it, the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agents.courtesies import is_courtesy
from agents.registry import NOBODY
from workbench.chat.conversations import Turn
from workbench.language import language_of, words
from workbench.models.chosen import ChosenModel, choose
from workbench.ordinary import rarity
from workbench.settings import Settings

# What makes a question lean on the turn before. "IT" is a department.
OPENS_EN = re.compile(
    r"^(and|or|but|also|then|what about|how about|only|just|same|in that case)\b"
    r"|\b(instead|then|the others?|the (first|second|third|last) one|that( one)?|too)\s*[?.!]?$"
    r"|^(in|on|at|for|by|of|from|with|without|since|until|before|after|per|sorted by|grouped by)\b"
    r"(?!.*\b(what|which|who|whose|how|when|where|why|is|are|do|does|did|has|have|can|may|must)\b)",
    re.I,
)
OPENS_ZH = re.compile(
    r"^(那|还有|其他|另外|再|只看|只要|换成|按|同样)|呢\s*[？?。]?$|前者|后者|第[一二三四五](个|名|位|条)(?!.*(的|中))"
)
PRONOUN_EN = re.compile(
    r"\b([Ii]ts?|[Tt]hey|[Tt]hem|[Tt]heirs?|[Tt]hose|[Tt]hese)\b"
    r"|\b([Hh]e|[Ss]he|[Hh]im|[Hh]is|[Hh]ers?)\b"
)
DEMONSTRATIVE = re.compile(r"\b(?:this|that) (\w+)", re.I)
PRONOUN_ZH = re.compile(r"[它他她]|这个|那个|这些|那些|其中")
LEANS_ON = 6  # turns, at most: a follow-up of many follow-ups is read with the newest of them
SECOND_PERSON = re.compile(r"\b(you|your|yours)\b|[你您]", re.I)


@dataclass
class Question:
    """One question on its way to an answer; the same object for router and agent.

    `history` lists the turns before, oldest first. The router leaves in `found` what the evidence
    of the chosen agent has found (see `agents.evidence`), so that the agent does not search again;
    None where nothing was weighed. Only that agent knows its type. `suggested` holds what an agent
    without an answer has suggested to ask instead. `files` are the sources, in the collection
    `settings.attached`, that came with this question: it is answered from them first.
    """

    text: str
    history: Sequence[Turn]
    settings: Settings
    found: Any = None
    files: Sequence[str] = ()
    suggested: Sequence[tuple[str, str]] = ()

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
    def continues(self) -> bool:
        """Whether it is a piece of a question, which only the turn before makes whole.

        "And in Berlin?", "那苏州呢？", "Why?"; not "Who are you?", which is about nothing either.
        """
        if not self.history:
            return False
        text = self.text.strip()
        opens = OPENS_ZH if self.language == "zh" else OPENS_EN
        if opens.search(text):
            return True
        asks = text.endswith(("?", "？"))
        names_something = any(rarity(word) or word.isdecimal() for word in words(text))
        return asks and not names_something and not SECOND_PERSON.search(text)

    @cached_property
    def refers(self) -> bool:
        """Whether a pronoun may point to the turn before: or to a word of the question itself.

        "That forecast" points there where the last question has the word; "that year" may not.
        """
        pronoun = PRONOUN_ZH if self.language == "zh" else PRONOUN_EN
        if not self.history or pronoun.search(self.text):
            return bool(self.history)
        asked = [turn.content for turn in self.history if turn.role == "user"]
        said = set(words(asked[-1])) if asked else set()
        named = words(" ".join(DEMONSTRATIVE.findall(self.text)))
        return not said.isdisjoint(named)

    @cached_property
    def leans(self) -> bool:
        """Whether the question needs the turn before: by its words, until the router knows."""
        return self.continues or self.refers

    @cached_property
    def before(self) -> tuple[str, str]:
        """The last question that was about something, and the agent that answered it.

        Either is empty where there is none. A "thanks" in between is passed over. A question that
        is a piece itself is read together with those before it.
        """
        agent = ""
        newest = self.history[-LEANS_ON:]
        for place in range(len(newest) - 1, -1, -1):
            turn = newest[place]
            if turn.role == "assistant":
                agent = agent or turn.mode
            elif agent == NOBODY and is_courtesy(turn.content):
                agent = ""
            else:
                earlier = Question(turn.content, newest[:place], self.settings)
                return earlier.search_text, agent
        return "", agent

    @property
    def search_text(self) -> str:
        """The text to search with: a follow-up is read together with the question before."""
        asked, _ = self.before
        return f"{asked} {self.text}" if self.leans and asked else self.text
