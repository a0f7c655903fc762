"""Facts and question patterns -> examples: each fact asked in many wordings, answered in one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from finetune.data.examples import Example, Message
from finetune.data.facts import normalise
from finetune.data.question_patterns import LANGUAGES, Patterns, check_pattern, load_patterns
from finetune.data.records import Fact

__all__ = ["LANGUAGES", "as_example", "augment", "language_of", "load_patterns"]


def augment(
    facts: Iterable[Fact],
    patterns: Mapping[str, Patterns] | None = None,
    *,
    per_fact: int = 0,
    answer: str = "",
    system: str = "",
    seed: int = 0,
) -> list[Example]:
    """Every fact in its wordings, `per_fact` of them (0: all), in the language of the fact.

    `group` names the fact. `answer` replaces the shipped answer pattern: "{value}" alone answers
    shortest. Raises InvalidInput for a bad pattern.
    """
    patterns = patterns or load_patterns()
    if answer:
        check_pattern(answer, "the answer pattern")
    examples: list[Example] = []
    for fact in facts:
        questions, own_answer = patterns[language_of(fact)].of(fact.attribute)
        said = _fill(answer or own_answer, fact)
        for wording in _choose(_wordings(questions, fact), fact, per_fact, seed):
            examples.append(as_example(fact, wording, said, system))
    return _without_ambiguous(examples)


def as_example(fact: Fact, question: str, answer: str, system: str = "") -> Example:
    """One wording of a fact with its answer."""
    before = (Message("system", system),) if system else ()
    turns = (*before, Message("user", question), Message("assistant", answer))
    return Example(turns, group=fact.name, where=fact.where)


def language_of(fact: Fact) -> str:
    """zh where the attribute has a Chinese character, or the entity of one without a name."""
    name = fact.attribute or fact.entity
    chinese = any("\u3400" <= letter <= "\u9fff" for letter in name)
    return "zh" if chinese else "en"


def _wordings(questions: Sequence[str], fact: Fact) -> list[str]:
    """The fact's questions, each once: two patterns may become the same sentence."""
    return list(dict.fromkeys(_fill(question, fact) for question in questions))


def _choose(wordings: list[str], fact: Fact, count: int, seed: int) -> list[str]:
    """`count` of the wordings in their order, all where it is 0."""
    if not 0 < count < len(wordings):
        return wordings
    chance = random.Random(f"{seed} {fact.name}")  # noqa: S311 - a choice needs no secret
    chosen = chance.sample(range(len(wordings)), count)
    return [wordings[place] for place in sorted(chosen)]


def _without_ambiguous(examples: Sequence[Example]) -> list[Example]:
    """A question that two facts share cannot be answered: it is left out for both."""
    facts: dict[str, set[str]] = {}
    for example in examples:
        facts.setdefault(normalise(example.questions[0]), set()).add(example.group)
    return [example for example in examples if len(facts[normalise(example.questions[0])]) == 1]


def _fill(pattern: str, fact: Fact) -> str:
    """The pattern with the fact's words; the value's own full stop gives way to the pattern's."""
    attribute = fact.attribute.replace("_", " ")
    if not attribute.isupper():
        attribute = attribute.lower()
    value = fact.value
    if pattern.rstrip().endswith(("。", ".")):
        value = value.rstrip("。.")
    return pattern.format(entity=fact.entity, attribute=attribute, value=value)
