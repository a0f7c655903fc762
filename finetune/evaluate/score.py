"""A run and data files -> shares of exact answers, of shared words, of form, of right options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.dataset import load_examples, overlap
from finetune.data.examples import Example, digest
from finetune.evaluate.form import groups_in, read_pattern
from finetune.evaluate.generation import first_logits, generate_answers, load_trained, prompt_ids
from finetune.run.preparation import with_system
from finetune.run.runs import Run, check_base
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import Message, say
from workbench.models.reasoning import answer_only
from workbench.scoring.answers import shared_words

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel

Report = Callable[[dict[str, Any]], None]
OPTION = re.compile(r"^([A-J])[.．、)]", re.M)
THINKING_TOKENS = 2048  # what a thinking model may write before its answer
SPARE_TOKENS = 8  # beyond the longest right answer: a wrong one may be longer


@dataclass(frozen=True)
class Prediction:
    """One row: question, right answer, the model's answer, and its likeliest option."""

    question: str
    reference: str
    answer: str
    letter: str = ""

    @property
    def exact(self) -> bool:
        return self.answer.strip() == answer_only(self.reference)

    @property
    def words(self) -> float:
        """How many words answer and reference share, from 0 to 1."""
        return shared_words(self.answer, answer_only(self.reference))


@dataclass(frozen=True)
class Score:
    """The predictions, the sha256 of the questions, and how many of these were taught."""

    predictions: list[Prediction]
    sha256: str
    overlap: int
    pattern: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """The counts and shares. `accuracy` is that of multiple-choice rows, where such exist.

        With a pattern `form` counts the answers of that form, and `groups` those of them whose
        groups say the same as the reference's.
        """
        rows = self.predictions
        result: dict[str, Any] = {
            "rows": len(rows),
            "exact": _share([row.exact for row in rows]),
            "words": _share([row.words for row in rows]),
        }
        if self.pattern:
            result |= self._form()
        chosen = [row for row in rows if row.letter]
        if chosen:
            right = [row.letter == row.reference.strip() for row in chosen]
            result["accuracy"] = _share(right)
        return result | {"overlap": self.overlap, "sha256": self.sha256}

    def _form(self) -> dict[str, Any]:
        pattern = read_pattern(self.pattern)
        formed = []
        same = []
        for row in self.predictions:
            said = groups_in(pattern, row.answer)
            formed.append(said is not None)
            same.append(said is not None and said == groups_in(pattern, row.reference))
        found: dict[str, Any] = {"form": _share(formed)}
        if pattern.groups:
            found["groups"] = _share(same)
        return found


def score(
    run: Run,
    files: Sequence[Path],
    *,
    only: dict[str, str] | None = None,
    base: bool = False,
    limit: int = 0,
    batch: int = 32,
    pattern: str = "",
    report: Report = lambda event: None,
) -> Score:
    """Ask the run every question of the files, greedily; with `base` its base alone.

    `limit` asks the first rows only, `batch` is the number of questions at once, `pattern` is the
    form that answers should have. Raises NotFound or Conflict for the base, InvalidInput for the
    data or the pattern, Unavailable without memory.
    """
    read_pattern(pattern)  # before anything is loaded
    check_base(run)
    examples = _read(files, only or {}, limit)
    taught = load_examples([run.train_data]).examples
    same = overlap(taught, examples)
    if same and not base:
        report({"event": "warning", "text": _warn(len(same), len(examples))})
    asked = with_system(examples, run.card.get("system", ""))
    loaded = load_trained(run, base)
    with loaded.base.lock, _maps_memory(batch):
        loaded.choose_adapter()
        predictions = list(_predict(loaded, asked, batch, report))
    return Score(predictions, digest(examples), len(same), pattern)


def _predict(
    loaded: LoadedModel, examples: Sequence[Example], batch: int, report: Report
) -> Iterator[Prediction]:
    model = loaded.base.model
    tokenizer = loaded.tokenizer
    prompts = [prompt_ids(example, tokenizer) for example in examples]
    answers: dict[int, str] = {}
    made = generate_answers(model, tokenizer, prompts, _room(examples, tokenizer), batch)
    for number, answer in made:
        answers[number] = answer_only(answer)
        if len(answers) % batch == 0 or len(answers) == len(examples):
            report(
                {
                    "event": "progress",
                    "stage": "Scoring",
                    "done": len(answers),
                    "of": len(examples),
                }
            )
    letters = dict(_choose(model, tokenizer, examples, prompts, batch))
    for number, example in enumerate(examples):
        question = example.questions[-1]
        letter = letters.get(number, "")
        yield Prediction(question, example.answer, answers[number], letter)


def _room(examples: Sequence[Example], tokenizer: Any) -> int:
    """The tokens that an answer may have."""
    longest = max(
        len(tokenizer.encode(example.answer, add_special_tokens=False)) for example in examples
    )
    thinks = "<think>" in str(tokenizer.chat_template)
    return longest + (THINKING_TOKENS if thinks else SPARE_TOKENS)


def _choose(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    prompts: Sequence[list[int]],
    batch: int,
) -> Iterator[tuple[int, str]]:
    """The option whose letter is the likeliest next token, for each row that offers options."""
    for letters, numbers in _by_options(examples).items():
        tokens = [tokenizer.encode(letter, add_special_tokens=False)[0] for letter in letters]
        for number, logits in first_logits(model, tokenizer, prompts, numbers, batch):
            yield number, letters[int(logits[tokens].argmax())]


def _by_options(examples: Sequence[Example]) -> dict[str, list[int]]:
    """The letters that rows offer -> the numbers of those rows.

    A row offers options where its answer is one of them.
    """
    found: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        letters = "".join(dict.fromkeys(OPTION.findall(example.questions[-1])))
        if len(letters) > 1 and example.answer.strip() in set(letters):
            found.setdefault(letters, []).append(number)
    return found


def _read(files: Sequence[Path], only: dict[str, str], limit: int) -> list[Example]:
    loaded = load_examples(files, only)
    if loaded.problems:
        first = loaded.problems[0]
        raise InvalidInput(
            say(
                "{problems} rows cannot be used; {where}: {problem}",
                problems=len(loaded.problems),
                where=first.where,
                problem=first.problem,
            ),
            first.fix,
        )
    if not loaded.examples:
        raise InvalidInput("No rows are left to ask.", "Name another file, or another --only.")
    return loaded.examples[: limit or None]


@contextmanager
def _maps_memory(batch: int) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        raise Unavailable(
            say("No memory to answer {batch} questions at once.", batch=batch), "Lower --batch."
        ) from error


def _share(hits: Sequence[float]) -> float:
    return round(sum(hits) / len(hits), 4)


def _warn(same: int, rows: int) -> Message:
    return say(
        "{same} of the {rows} questions were taught to this run: the score measures what it has "
        "memorised, not what it understands.",
        same=same,
        rows=rows,
    )
