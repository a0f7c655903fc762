"""Two answers and a judge model -> which one it prefers, asked in both orders.

A model likes the answer that stands first, or last (Zheng et al. 2023). So each pair is shown twice
with the places changed: a verdict that moves with the place is a tie.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from agents.compare.answers_kept import KeptAnswers
from agents.compare.arms import Answered
from agents.compare.matrix import Asked
from workbench.chat.conversations import Conversations
from workbench.chat.examples import without_citations
from workbench.errors import WorkbenchError
from workbench.language import language_of
from workbench.models.chosen import choose_named
from workbench.models.reasoning import answer_only
from workbench.progress import Pace
from workbench.scoring.agreement import agreement
from workbench.scoring.paired import mcnemar
from workbench.settings import Settings

PROMPTS = Path(__file__).parent
LONGEST = 4000  # characters of an answer
REPLY_TOKENS = 512  # room for some thinking before a letter
LETTER = re.compile(r"(?<![A-Za-z])[ABE](?![A-Za-z])")
VOTES = 50  # the newest of people, that the judge is held against

Row = dict[str, Any]
Report = Callable[[Row], None]


@dataclass(frozen=True)
class Preference:
    """1 for the first answer, -1 for the second, 0 for neither; `flipped` where places decided."""

    value: int
    flipped: bool = False


class Judge:
    """A model that compares two answers; what it said before is not asked again."""

    def __init__(self, name: str, settings: Settings) -> None:
        model = choose_named(name, settings)
        self.name = model.name
        self._model = model.changed(
            temperature=0.0, top_p=1.0, answer_tokens=REPLY_TOKENS, system_prompt=""
        )
        description = {"judge": model.name, "digest": model.info.digest, "tokens": REPLY_TOKENS}
        self._kept = KeptAnswers(description, settings)

    def prefers(self, question: str, reference: str, first: str, second: str) -> Preference:
        """Its preference. Equal answers, and replies that cannot be read, are ties.

        Raises what the model raises.
        """
        first, second = (without_citations(text).strip()[:LONGEST] for text in (first, second))
        if first == second:
            return Preference(0)
        straight = self._ask(question, reference, first, second)
        swapped = -self._ask(question, reference, second, first)
        if straight == swapped:
            return Preference(straight)
        return Preference(0, flipped=True)

    def _ask(self, question: str, reference: str, first: str, second: str) -> int:
        template = (PROMPTS / f"judge_{language_of(question)}.md").read_text("utf-8")
        prompt = template.format(question=question, reference=reference, first=first, second=second)
        key = hashlib.sha256(prompt.encode()).hexdigest()[:16]
        kept = self._kept.get(key)
        if kept is None:
            kept = self._reply(prompt)
            self._kept.add(key, kept)
        letters = LETTER.findall(answer_only(kept.text))
        return {"A": 1, "B": -1}.get(letters[0] if letters else "E", 0)

    def _reply(self, prompt: str) -> Answered:
        begun = time.monotonic()
        with closing(self._model.stream([("user", prompt)])) as pieces:
            text = "".join(pieces)
        return Answered(text, time.monotonic() - begun)


def judge_pairs(judge: Judge, rows: Sequence[Asked], settings: Settings, report: Report) -> Row:
    """Its preferences for each two arms, and how far it agrees with people's votes.

    A pair that it failed on is a tie.
    """
    arms = list(rows[0].answers) if rows else []
    pairs = list(combinations(arms, 2))
    of = len(pairs) * len(rows)
    pace = Pace()
    found = []
    done = 0
    for first, second in pairs:
        preferences = []
        for row in rows:
            if pace.is_due(last=not done):
                report(_progress(done, of))
            answers = [row.answers[arm]["text"] for arm in (first, second)]
            preferences.append(_prefers(judge, row.question, answers))
            done += 1
        found.append({"first": first, "second": second, **_counted(preferences)})
    report(_progress(of, of))
    return {"model": judge.name, "pairs": found, "agreement": _with_people(judge, settings)}


def _prefers(judge: Judge, question: Row, answers: Sequence[str]) -> Preference | None:
    first, second = answers
    try:
        return judge.prefers(question["question"], question["answer"], first, second)
    except WorkbenchError:
        return None


def _counted(preferences: Sequence[Preference | None]) -> Row:
    told = [one for one in preferences if one is not None]
    better = sum(one.value > 0 for one in told)
    worse = sum(one.value < 0 for one in told)
    return {
        "better": better,
        "worse": worse,
        "ties": len(told) - better - worse,
        "flipped": sum(one.flipped for one in told),
        "failed": len(preferences) - len(told),
        "p": mcnemar(better, worse),
    }


def _with_people(judge: Judge, settings: Settings) -> Row:
    """How often the judge says what people said of the same two answers of a chat."""
    conversations = Conversations(settings.database)
    both: list[tuple[int, int]] = []
    for vote, answers in conversations.voted()[-VOTES:]:
        if len(answers) != 2:
            continue
        first, second = answers
        person = {first.id: 1, second.id: -1}.get(vote.winner or 0, 0)
        asked = {"question": conversations.message(vote.question).content, "answer": "?"}
        preference = _prefers(judge, asked, [first.content, second.content])
        if preference is not None:
            both.append((preference.value, person))
    return agreement(both)


def _progress(done: int, of: int) -> Row:
    return {"event": "progress", "stage": "Asking the judge", "done": done, "of": of}
