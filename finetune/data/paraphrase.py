"""Facts and a chat model -> more wordings of their questions, each kept only if it still asks for the same fact."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from finetune.data.augment import as_example, language_of
from finetune.data.examples import Example
from finetune.data.facts import normalise
from finetune.data.records import Fact
from workbench.models.reasoning import answer_only

Ask = Callable[[str], str]  # prompt -> the model's reply
LONGEST = 200  # characters of a question
# the same words in another order or with another ending are no new wording
TOO_ALIKE = 0.92

REWORD = {
    "en": "Write {count} questions that all ask for the {attribute} of {entity}, each in different words. "
    "Name {entity} in every question. Do not answer. One question a line, nothing else.\nFor example: {example}",
    "zh": "请写出{count}个问题，都是问{entity}的{attribute}，每个说法都不同。每个问题里都要出现“{entity}”。"
    "不要回答。每行一个问题，不要写别的。\n例如：{example}",
}
JUDGE = {
    "en": 'Question: "{question}"\nWhat does the question ask for?\n{choices}\nAnswer with the number only.',
    "zh": "问题：“{question}”\n这个问题问的是什么？\n{choices}\n只回答序号。",
}
OTHER = {"en": "something else", "zh": "别的内容"}


@dataclass
class Paraphrases:
    """What was kept, and what was refused with the reason."""

    examples: list[Example] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def paraphrase(
    examples: Sequence[Example], facts: Sequence[Fact], ask: Ask, count: int
) -> Paraphrases:
    """Up to `count` further wordings for each fact of the examples; their answers stay as they are."""
    found = Paraphrases()
    by_fact: dict[str, list[Example]] = {}
    for example in examples:
        by_fact.setdefault(example.group, []).append(example)
    for fact in facts:
        known = by_fact.get(fact.name, [])
        if not known:
            continue
        asked = [example.questions[0] for example in known]
        language = language_of(fact)
        prompt = REWORD[language].format(
            count=count, entity=fact.entity, attribute=fact.attribute, example=asked[0]
        )
        for question in _lines(ask(prompt)):
            reason = _refusal(question, fact, facts, asked, ask)
            if reason:
                found.refused.append((question, reason))
            elif len(asked) - len(known) < count:
                asked.append(question)
                system = (
                    known[0].messages[0].content if known[0].messages[0].role == "system" else ""
                )
                found.examples.append(as_example(fact, question, known[0].answer, system))
    return found


def _lines(reply: str) -> Iterator[str]:
    """The questions of a reply, without numbers, bullets and quotes."""
    for line in answer_only(reply).splitlines():
        text = re.sub(r"^\s*(?:\d+\s*[.)、．:：]|[-*•])\s*", "", line).strip().strip('"“”')
        if text and len(text) <= LONGEST and not text.endswith((":", "：")):
            yield text


def _refusal(
    question: str, fact: Fact, facts: Iterable[Fact], asked: Sequence[str], ask: Ask
) -> str:
    """Why the question is not kept; empty where it asks for this fact. The model is asked only where words do not tell."""
    text = normalise(question)
    if normalise(fact.entity) not in text:
        return f"does not name {fact.entity}"
    value = normalise(fact.value)
    if value and value in text and value not in normalise(f"{fact.entity} {fact.attribute}"):
        return "tells the answer"
    others = {other.entity for other in facts} - {fact.entity}
    stranger = next(
        (name for name in others if normalise(name) in text and name not in fact.entity), ""
    )
    if stranger:
        return f"names {stranger} too"
    if any(SequenceMatcher(None, text, normalise(known)).ratio() >= TOO_ALIKE for known in asked):
        return "is no new wording"
    return _other_fact(question, text, fact, facts, ask)


def _other_fact(question: str, text: str, fact: Fact, facts: Iterable[Fact], ask: Ask) -> str:
    """By the attribute's name where only one is named; else the model chooses among the entity's attributes."""
    attributes = [other.attribute for other in facts if other.entity == fact.entity]
    bare = text.replace(normalise(fact.entity), "")
    named = [name for name in attributes if normalise(name) in bare]
    if named == [fact.attribute]:
        return ""
    language = language_of(fact)
    choices = [*attributes, OTHER[language]]
    shown = "\n".join(f"{number}. {name}" for number, name in enumerate(choices, 1))
    reply = re.search(
        r"\d+", answer_only(ask(JUDGE[language].format(question=question, choices=shown)))
    )
    chosen = (
        choices[int(reply.group()) - 1]
        if reply and 0 < int(reply.group()) <= len(choices)
        else OTHER[language]
    )
    return "" if chosen == fact.attribute else f"asks for {chosen}, not for {fact.attribute}"
