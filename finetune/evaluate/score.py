"""A run and data files -> how many questions it answers exactly, and how many options it chooses rightly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.dataset import load_examples, overlap
from finetune.data.examples import Example, digest
from finetune.evaluate.generation import first_logits, generate_answers, prompt_ids
from finetune.run.preparation import with_system
from finetune.run.runs import Run, check_base
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.models.reasoning import answer_only

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel

OPTION = re.compile(r"^([A-J])[.．、)]", re.M)
THINKING_TOKENS = 2048


@dataclass(frozen=True)
class Prediction:
    """One row: what was asked, what is right, what the model said, and the option it holds most likely."""

    question: str
    reference: str
    answer: str
    letter: str = ""

    @property
    def exact(self) -> bool:
        return self.answer.strip() == answer_only(self.reference)


@dataclass(frozen=True)
class Score:
    """`accuracy` is the share of multiple-choice rows with the right letter; None where there are no such rows."""

    predictions: list[Prediction]
    sha256: str
    overlap: int

    @property
    def result(self) -> dict[str, Any]:
        """What the command ends with."""
        rows = self.predictions
        chosen = [row for row in rows if row.letter]
        result: dict[str, Any] = {"rows": len(rows), "exact": _share(row.exact for row in rows)}
        if chosen:
            result["accuracy"] = _share(row.letter == row.reference.strip() for row in chosen)
        return result | {"overlap": self.overlap, "sha256": self.sha256}


def score(
    run: Run,
    files: Sequence[Path],
    *,
    only: dict[str, str] | None = None,
    base: bool = False,
    limit: int = 0,
    batch: int = 32,
    report: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Score:
    """Ask the run every question of the files, greedily; with `base` its base alone. Raises WorkbenchErrors."""
    check_base(run)
    examples = _read(files, only or {}, limit)
    taught = load_examples([run.train_data]).examples
    same = overlap(taught, examples)
    if same and not base:
        report({"event": "warning", "text": _warn(len(same), len(examples))})
    asked = with_system(examples, run.card.get("system", ""))
    loaded = _load(run, base)
    with loaded.base.lock, _maps_memory(batch):
        loaded.choose_adapter()
        predictions = list(_predict(loaded, asked, batch, report))
    return Score(predictions, digest(examples), len(same))


def _predict(
    loaded: LoadedModel,
    examples: Sequence[Example],
    batch: int,
    report: Callable[[dict[str, Any]], None],
) -> Iterator[Prediction]:
    model, tokenizer = loaded.base.model, loaded.tokenizer
    prompts = [prompt_ids(example, tokenizer) for example in examples]
    longest = max(
        len(tokenizer.encode(example.answer, add_special_tokens=False)) for example in examples
    )
    thinks = "<think>" in str(tokenizer.chat_template)
    answers: dict[int, str] = {}
    for number, answer in generate_answers(
        model, tokenizer, prompts, longest + (THINKING_TOKENS if thinks else 8), batch
    ):
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
        yield Prediction(
            example.questions[-1], example.answer, answers[number], letters.get(number, "")
        )


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
    """The letters that rows offer -> those rows; a row offers options where its answer is one of them."""
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


def _load(run: Run, base: bool) -> LoadedModel:
    from workbench.models.weights import load_local

    loaded = load_local(run.adapter)
    return replace(loaded, adapter="") if base else loaded


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


def _share(hits: Any) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 4)


def _warn(same: int, rows: int) -> str:
    return (
        f"{same} of the {rows} questions were taught to this run: the score tells what it has memorised, not what it "
        "understands."
    )
