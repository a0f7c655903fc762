"""Questions of a benchmark and a run -> those that the run was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.choices import Choice
from finetune.data.facts import normalise
from finetune.run.runs import Run
from finetune.tasks import TASKS

# Letters and digits from which a question without its options counts as taught where a longer
# text holds it. A shorter one, such as "Which is right?", stands in other texts by chance.
LONG = 16


def taught_questions(run: Run) -> list[str]:
    """What the run was asked in its training, without case, spaces and punctuation.

    Empty for a run on texts, whose corpora are kept as tokens.
    """
    if not run.train_data.exists():
        return []
    load = TASKS[run.card.get("task", "sft")].load
    rows = load([run.train_data], {}).examples
    return [normalise(" ".join(row.dialogue.questions)) for row in rows]


def find_leaks(questions: Sequence[Choice], taught: Sequence[str]) -> list[bool]:
    """For each question whether it was taught: with its options, or alone where it is long."""
    exact = set(taught)
    everything = "\n".join(taught)
    return [_is_taught(one, exact, everything) for one in questions]


def _is_taught(one: Choice, exact: set[str], everything: str) -> bool:
    question = normalise(one.question)
    options = [f"{letter} {option}" for letter, option in one.options.items()]
    whole = normalise(" ".join([one.question, *options]))
    if len(question) >= LONG and question in everything:
        return True
    return whole in everything if options else question in exact
