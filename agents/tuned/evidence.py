"""The tuned model as an asset: how much of a question the questions of its training explain.

Its questions are all alike in meaning, so words alone tell: a name that is not among them decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents.evidence import Match, Weights, hash_of, share
from agents.tuned.agent import model_for_auto
from rag.lexical import LexicalIndex
from workbench.artefacts.run_folder import taught_by
from workbench.errors import WorkbenchError
from workbench.language import language_of, localized, words
from workbench.settings import Settings

READ = 4  # questions looked at for the best match


@dataclass(frozen=True)
class TrainedAsset:
    """The questions that the model `name` was trained on."""

    name: str
    index: LexicalIndex
    questions: Sequence[str]

    @property
    def size(self) -> int:
        return len(self.questions)

    def held(self, word: str) -> int:
        return self.index.held(word)

    def knows(self, question: str) -> bool:
        return question.strip() in self.questions

    @property
    def state(self) -> str:
        return f"{self.name} {hash_of(self.questions)}"

    def samples(self) -> Sequence[str]:
        return self.questions

    def best(self, question: str, weights: Weights) -> Match:
        """The training question with most of the words."""
        # the weighty words alone: hundreds of questions share "where does … come from"
        order = self.index.scores(" ".join(weights)).argsort()
        near = [self.questions[row] for row in order[-READ:]]
        score, nearest = max((share(set(words(text)), weights), text) for text in near)
        reason = localized(
            language_of(question),
            f"{self.name} was trained on “{nearest}”",
            f"{self.name} 训练过“{nearest}”",
        )
        return Match(score, reason)


def find_trained(settings: Settings) -> TrainedAsset | None:
    """The tuned model that would answer; None where none exists or its training is not known."""
    try:
        name = model_for_auto(settings)
        taught = taught_by(name, settings)
    except WorkbenchError:
        return None
    questions = tuple(question for question, _ in taught)
    return TrainedAsset(name, _index(questions), questions) if questions else None


@lru_cache(maxsize=4)
def _index(questions: tuple[str, ...]) -> LexicalIndex:
    return LexicalIndex.build((str(row), text) for row, text in enumerate(questions))
