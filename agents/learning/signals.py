"""Collections and examples -> the numbers that tell whether documents or tuning fit them."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from statistics import median
from typing import Any

from agents.documents.search import Retrieved, search
from rag.embeddings import load_embedder
from rag.store import Collection, list_collections
from workbench.language import words
from workbench.ordinary import rarity
from workbench.scoring.amounts import amounts, without_amounts
from workbench.scoring.answers import normalised, numbers_and_names, split_words
from workbench.scoring.names import names
from workbench.settings import Settings

Row = dict[str, Any]
COMMON = 0.6  # share of the answers that a part of a form stands in
OPENING = 3  # words that make an opening
FEWEST = 8  # different answers from which a form is told
LABELS = 12  # different answers at most, each of LABEL_WORDS at most, where answers are labels
LABEL_WORDS = 4
OFTEN = 4  # times that a label is given, on average
RETRIEVED = 40  # questions that are looked up in the documents, drawn by SEED
SEED = 42
SAID = 0.6  # of an answer's weight whose words stand in a passage, where it holds the answer
TIMED = 16  # passages that are embedded to time it
MONTH = 30.0  # days
UNIT = re.compile(r"[^\n.!?。！？]+[.!?。！？]*")


@dataclass(frozen=True)
class Knowledge:
    """What the chosen collections hold. `changes` are those a month; None where too young to say.

    `seconds` is what indexing all of it again would take here; 0 where nothing is indexed.
    """

    names: str = ""
    documents: int = 0
    passages: int = 0
    changes: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Examples:
    """What question–answer rows show.

    `form` is the share of the answers that have one form, `held` the share of the answers that the
    documents hold, of `looked_up` ones; None without documents.
    """

    rows: int = 0
    answers: int = 0
    length: float = 0.0
    form: float = 0.0
    held: float | None = None
    looked_up: int = 0


def read_knowledge(settings: Settings) -> Knowledge:
    """What the chosen collections hold now; nothing where none of them exists."""
    chosen = [one for one in list_collections(settings) if one.name in settings.collections]
    chosen = [one for one in chosen if one.count()]
    if not chosen:
        return Knowledge()
    passages = sum(one.count() for one in chosen)
    return Knowledge(
        names=", ".join(one.name for one in chosen),
        documents=sum(len(one.documents()) for one in chosen),
        passages=passages,
        changes=_changes(chosen),
        seconds=passages * _seconds_a_passage(chosen[0], settings),
    )


def read_examples(rows: Sequence[Row], settings: Settings, knowledge: Knowledge) -> Examples:
    """What rows of {"question", "answer"} show, beside those documents."""
    if not rows:
        return Examples()
    answers = [row["answer"] for row in rows]
    different = list(dict.fromkeys(normalised(answer) for answer in answers))
    lengths = [len(split_words(answer)) for answer in answers]
    held, looked_up = _held(rows, settings) if knowledge.passages else (None, 0)
    return Examples(
        rows=len(rows),
        answers=len(different),
        length=float(median(lengths)),
        form=form_of(answers),
        held=held,
        looked_up=looked_up,
    )


def form_of(answers: Sequence[str]) -> float:
    """The share of the answers that have one form: an opening, a sentence of it, or a label.

    The same answer to many wordings counts once: it repeats a fact, not a form.
    """
    different = list({normalised(answer): answer for answer in answers}.values())
    if _are_labels(answers, different):
        return 1.0
    if len(different) < FEWEST:
        return 0.0
    openings = Counter(tuple(split_words(answer)[:OPENING]) for answer in different)
    parts = Counter(part for answer in different for part in set(_parts(answer)))
    most = max([*openings.values(), *parts.values()])
    return most / len(different)


def _are_labels(answers: Sequence[str], different: Sequence[str]) -> bool:
    """Whether a few short words are all that is ever answered."""
    few = 1 < len(different) <= LABELS and len(answers) >= OFTEN * len(different)
    if not few or any(_is_factual(answer) for answer in different):
        return False
    return all(len(split_words(answer)) <= LABEL_WORDS for answer in different)


def _parts(answer: str) -> list[str]:
    """The sentences and lines of an answer, folded; an answer of one part has none."""
    found = [normalised(part) for part in UNIT.findall(answer)]
    found = [part for part in found if part]
    return found if len(found) > 1 else []


def _held(rows: Sequence[Row], settings: Settings) -> tuple[float, int]:
    """The share of the answers that the passages retrieved for their questions hold."""
    draw = random.Random(SEED)  # noqa: S311 – a sample, not a secret
    different = list({normalised(row["answer"]): row for row in rows}.values())
    drawn = draw.sample(different, min(RETRIEVED, len(different)))
    common = _common_parts([row["answer"] for row in different])
    held = 0
    for row in drawn:
        found = search(row["question"], settings)
        held += _holds(found, _without(common, row["answer"]))
    return held / len(drawn), len(drawn)


def _holds(found: Retrieved, answer: str) -> bool:
    """Whether one passage has most of the answer's words, and its numbers and names."""
    weights = {word: rarity(word) for word in words(answer)}
    factual = _is_factual(answer)
    if not factual and not any(weights.values()):
        return False  # "It is on its way": any text has these words
    for hit in found.hits:
        text = hit.passage.text
        known = set(words(text))
        said = sum(weight for word, weight in weights.items() if word in known)
        has_facts = not factual or bool(numbers_and_names(text, answer))
        if has_facts and said >= SAID * sum(weights.values()):
            return True
    return False


def _is_factual(answer: str) -> bool:
    """Whether it has a number or a name."""
    return bool(amounts(answer) or names(without_amounts(answer), doubtful=False))


def _common_parts(answers: Sequence[str]) -> set[str]:
    """The parts that most answers have: they are form, and no document need hold them."""
    if len(answers) < FEWEST:
        return set()
    counts = Counter(part for answer in answers for part in set(_parts(answer)))
    return {part for part, count in counts.items() if count >= COMMON * len(answers)}


def _without(common: set[str], answer: str) -> str:
    kept = [part for part in UNIT.findall(answer) if normalised(part) not in common]
    return " ".join(part.strip() for part in kept if normalised(part)) or answer


def _changes(collections: Sequence[Collection]) -> float | None:
    """Changes a month since the first day; None for collections that are younger than a week."""
    now = datetime.now(UTC)
    made = [_read_time(one.created) for one in collections]
    days = max((now - one).total_seconds() / 86_400 for one in made)
    if days < 7:
        return None
    changes = sum(max(0, one.revision - 1) for one in collections)
    return changes / days * MONTH


def _read_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _seconds_a_passage(collection: Collection, settings: Settings) -> float:
    """How long a passage takes to embed here, which is most of indexing."""
    texts = [text for _, text in islice(collection.texts(), TIMED)]
    embed = load_embedder(collection.embedder, settings).embed
    embed(texts[:1])  # the first one loads
    begun = time.perf_counter()
    embed(texts)
    return (time.perf_counter() - begun) / len(texts)
