"""The measures of an answer, one row each: name -> labels, columns, and how it is counted.

    rows = score_pairs(["exact", "bertscore"], [("Paris.", "Paris")], Means(settings))
    rows[0]   # {"exact": 0.0, "P": …, "R": …, "F1": …}

A row may have several columns; `main` is the one that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import NotFound
from workbench.messages import say
from workbench.models.encoders import DEFAULT
from workbench.scoring.answers import contains, exact, numbers_and_names, shared_words
from workbench.scoring.bertscore import Encoder, Pairs, Report, bertscore, find_encoder
from workbench.scoring.rouge import rouge
from workbench.settings import Settings

Figures = list[tuple[float, ...]]


@dataclass(frozen=True)
class Means:
    """What some measures need: the encoder of BERTScore, its layer, raw or rescaled figures."""

    settings: Settings
    encoder: str = DEFAULT
    layer: int = 0
    rescale: bool = False
    report: Report = lambda event: None

    def find_encoder(self, pairs: Pairs) -> Encoder:
        """Raises what `bertscore.find_encoder` raises."""
        references = [reference for _, reference in pairs]
        return find_encoder(self.encoder, references, self.settings, self.layer, self.rescale)


@dataclass(frozen=True)
class Measure:
    """A row of the table. `count` is None for a measure that reads a model, not its answers."""

    name: str
    english: str
    chinese: str
    columns: tuple[str, ...]
    main: str
    count: Callable[[Pairs, Means], Figures] | None
    needs: Literal["texts", "encoder", "weights"] = "texts"
    higher_is_better: bool = True
    right_from: float = 1.0
    """From which figure of `main` an answer counts as right, if nobody says otherwise."""


def _each(function: Callable[[str, str], float]) -> Callable[[Pairs, Means], Figures]:
    """A measure of one pair, for all of them."""
    return lambda pairs, means: [(function(*pair),) for pair in pairs]


def _meaning(pairs: Pairs, means: Means) -> Figures:
    return bertscore(means.find_encoder(pairs), pairs, means.report)


_ROWS = (
    Measure("exact", "Exact", "完全一致", ("exact",), "exact", _each(exact)),
    Measure("contains", "Contained", "包含答案", ("contains",), "contains", _each(contains)),
    Measure(
        "numbers",
        "Numbers and names",
        "数字与名称",
        ("numbers",),
        "numbers",
        _each(numbers_and_names),
    ),
    Measure(
        "words", "Shared words", "共有词", ("words",), "words", _each(shared_words), right_from=0.5
    ),
    Measure(
        "rouge",
        "ROUGE",
        "ROUGE",
        ("rouge1", "rouge2", "rougeL"),
        "rougeL",
        lambda pairs, means: rouge(pairs),
        right_from=0.5,
    ),
    Measure(
        "bertscore",
        "BERTScore",
        "BERTScore",
        ("P", "R", "F1"),
        "F1",
        _meaning,
        needs="encoder",
        right_from=0.6,
    ),
    Measure(
        "perplexity",
        "Perplexity",
        "困惑度",
        ("perplexity",),
        "perplexity",
        None,
        needs="weights",
        higher_is_better=False,
    ),
)
MEASURES = {row.name: row for row in _ROWS}


def find_measures(names: Iterable[str]) -> list[Measure]:
    """The rows of these names, each once. Raises NotFound with the names there are."""
    found = []
    for name in dict.fromkeys(names):
        if name not in MEASURES:
            raise NotFound(
                say("There is no measure {name}.", name=name),
                say("There are: {names}", names=", ".join(MEASURES)),
            )
        found.append(MEASURES[name])
    return found


def score_pairs(names: Sequence[str], pairs: Pairs, means: Means) -> list[dict[str, float]]:
    """The columns of all these measures for each (answer, reference).

    A measure that reads a model's weights adds none. Raises NotFound for a name, Unavailable for a
    library or an encoder.
    """
    rows: list[dict[str, float]] = [{} for _ in pairs]
    for measure in find_measures(names):
        if measure.count is None or not pairs:
            continue
        for row, figures in zip(rows, measure.count(pairs, means), strict=True):
            row |= zip(measure.columns, figures, strict=True)
    return rows
