"""Facts and a chat model -> more wordings of their questions, checked to ask for the fact."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from finetune.data.augment import as_example, language_of
from finetune.data.examples import Example
from finetune.data.facts import normalise
from finetune.data.records import Fact
from workbench.messages import say
from workbench.models.reasoning import answer_only

Ask = Callable[[str], str]  # prompt -> the model's reply
LONGEST = 200  # characters of a question
TOO_ALIKE = 0.92  # the same words in another order or with another ending are no new wording
BULLET = re.compile(r"^\s*(?:\d+\s*[.)、．:：]|[-*•])\s*")
QUOTES = '"“”'

REWORD = {
    "en": (
        "Write {count} questions that all ask for the {attribute} of {entity}, each in different"
        " words. Name {entity} in every question. Do not answer. One question a line, nothing"
        " else.\nFor example: {example}"
    ),
    "zh": (
        "请写出{count}个问题，都是问{entity}的{attribute}，每个说法都不同。"
        "每个问题里都要出现“{entity}”。不要回答。每行一个问题，不要写别的。\n例如：{example}"
    ),
}
JUDGE = {
    "en": (
        'Question: "{question}"\nWhat does the question ask for?\n{choices}\n'
        "Answer with the number only."
    ),
    "zh": "问题：“{question}”\n这个问题问的是什么？\n{choices}\n只回答序号。",
}
OTHER = {"en": "something else", "zh": "别的内容"}


@dataclass
class Paraphrases:
    """The wordings that are kept, and those refused, each with its reason."""

    examples: list[Example] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def paraphrase(
    examples: Sequence[Example], facts: Sequence[Fact], ask: Ask, count: int
) -> Paraphrases:
    """Up to `count` further wordings for each fact of the examples, with the same answers."""
    found = Paraphrases()
    by_fact: dict[str, list[Example]] = {}
    for example in examples:
        by_fact.setdefault(example.group, []).append(example)
    for fact in facts:
        known = by_fact.get(fact.name, [])
        if known:
            _reword(fact, known, facts, ask, count, found)
    return found


def _reword(
    fact: Fact,
    known: Sequence[Example],
    facts: Sequence[Fact],
    ask: Ask,
    count: int,
    found: Paraphrases,
) -> None:
    """Add the further wordings of one fact to `found`."""
    asked = [example.questions[0] for example in known]
    prompt = REWORD[language_of(fact)].format(
        count=count, entity=fact.entity, attribute=fact.attribute, example=asked[0]
    )
    first = known[0].messages[0]
    system = first.content if first.role == "system" else ""
    for question in _lines(ask(prompt)):
        reason = _refusal(question, fact, facts, asked, ask)
        if reason:
            found.refused.append((question, reason))
        elif len(asked) - len(known) < count:
            asked.append(question)
            found.examples.append(as_example(fact, question, known[0].answer, system))


def _lines(reply: str) -> Iterator[str]:
    """The questions of a reply, without numbers, bullets and quotes."""
    for line in answer_only(reply).splitlines():
        text = BULLET.sub("", line).strip().strip(QUOTES)
        introduces = text.endswith((":", "："))
        if text and len(text) <= LONGEST and not introduces:
            yield text


def _refusal(
    question: str, fact: Fact, facts: Sequence[Fact], asked: Sequence[str], ask: Ask
) -> str:
    """Why the question is not kept; empty where it asks for this fact.

    The model is asked only where the words alone decide nothing.
    """
    text = normalise(question)
    if normalise(fact.entity) not in text:
        return say("does not name {entity}", entity=fact.entity)
    value = normalise(fact.value)
    if value and value in text and value not in normalise(f"{fact.entity} {fact.attribute}"):
        return say("tells the answer")
    stranger = _stranger(text, fact, facts)
    if stranger:
        return say("names {entity} too", entity=stranger)
    if any(_alike(text, normalise(known)) for known in asked):
        return say("is no new wording")
    return _other_fact(question, text, fact, facts, ask)


def _stranger(text: str, fact: Fact, facts: Sequence[Fact]) -> str:
    """Another entity that the text names; empty where it names none."""
    for other in facts:
        if other.entity not in fact.entity and normalise(other.entity) in text:
            return other.entity
    return ""


def _alike(text: str, known: str) -> bool:
    return SequenceMatcher(None, text, known).ratio() >= TOO_ALIKE


def _other_fact(question: str, text: str, fact: Fact, facts: Sequence[Fact], ask: Ask) -> str:
    """By the attribute's name where only one is named; else the model chooses among them."""
    attributes = [other.attribute for other in facts if other.entity == fact.entity]
    bare = text.replace(normalise(fact.entity), "")
    named = [name for name in attributes if normalise(name) in bare]
    if named == [fact.attribute]:
        return ""
    chosen = _judge(question, [*attributes, OTHER[language_of(fact)]], language_of(fact), ask)
    if chosen == fact.attribute:
        return ""
    return say("asks for {chosen}, not for {attribute}", chosen=chosen, attribute=fact.attribute)


def _judge(question: str, choices: Sequence[str], language: str, ask: Ask) -> str:
    """The choice that the model names by its number; the last one where it names none."""
    offered = "\n".join(f"{number}. {name}" for number, name in enumerate(choices, 1))
    reply = answer_only(ask(JUDGE[language].format(question=question, choices=offered)))
    found = re.search(r"\d+", reply)
    number = int(found.group()) if found else 0
    return choices[number - 1] if 0 < number <= len(choices) else choices[-1]
