"""A question on its way -> what this workspace has learned of questions like it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from agents.learning.judgements import chosen_assets, id_of
from agents.learning.memory import Learned, kept_as_it_is, learned
from agents.learning.neighbours import Preference, prefer
from agents.learning.stances import Stance, key_of, take_stances
from workbench.settings import Settings


def learned_preference(
    question: str, chosen: str, offered: Collection[str], settings: Settings, without: str = ""
) -> Preference | None:
    """The agent that judged questions like this one are answered better by than by `chosen`.

    None where nothing says so, and where learning is switched off. What was judged of the question
    `without` is left out.
    """
    known = learned(settings)
    if not known.on:
        return None
    return prefer(question, chosen, offered, stances_of(known, settings, without), settings)


def stances_of(known: Learned, settings: Settings, without: str = "") -> Sequence[Stance]:
    """What each judged question says of the agents; all but the question `without`."""
    stances = _stances(known, chosen_assets(settings))
    if not without:
        return stances
    return [stance for stance in stances if key_of(stance.question) != key_of(without)]


@lru_cache(maxsize=4)
def _stances(known: Learned, chosen: tuple[tuple[str, str], ...]) -> Sequence[Stance]:
    """The same as long as nothing is judged and chosen: every question asks for them."""
    return take_stances(known.counting, dict(chosen))


def is_forgotten_reroute(question: str, settings: Settings) -> bool:
    """Whether a person has taken out that this very question was sent elsewhere."""
    return id_of("sent", question.strip()) in kept_as_it_is(settings).forgotten
