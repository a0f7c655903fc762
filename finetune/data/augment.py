"""Facts and question patterns -> examples: each fact asked in many wordings, answered in one."""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from finetune.data.examples import Example, Message
from finetune.data.facts import normalise
from finetune.data.records import Fact
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

LANGUAGES = ("zh", "en")
FIELDS = {"entity", "attribute", "value"}


@dataclass(frozen=True)
class Kind:
    """How attributes of these names are asked for."""

    attributes: tuple[str, ...]
    questions: tuple[str, ...]
    answer: str = ""


@dataclass(frozen=True)
class Patterns:
    """The questions that suit every attribute, those that suit a kind of attribute, and the answer."""

    answer: str
    questions: tuple[str, ...]
    kinds: Mapping[str, Kind]

    def of(self, attribute: str) -> tuple[tuple[str, ...], str]:
        """Question patterns, those of the attribute's kind first, and the answer pattern."""
        kind = next(
            (kind for kind in self.kinds.values() if attribute.lower() in kind.attributes), None
        )
        if kind is None:
            return self.questions, self.answer
        return tuple(dict.fromkeys([*kind.questions, *self.questions])), kind.answer or self.answer


def load_patterns(path: Path | None = None) -> dict[str, Patterns]:
    """The shipped patterns by language, or those of a file of the same form for every language. Raises InvalidInput."""
    if path is None:
        folder = resources.files("finetune.data") / "patterns"
        return {
            language: _read_patterns((folder / f"{language}.toml").read_bytes(), language)
            for language in LANGUAGES
        }
    if not path.is_file():
        raise NotFound(
            say("There is no file {path}.", path=path), "Name a TOML file of question patterns."
        )
    patterns = _read_patterns(path.read_bytes(), str(path))
    return dict.fromkeys(LANGUAGES, patterns)


def augment(
    facts: Iterable[Fact],
    patterns: Mapping[str, Patterns] | None = None,
    *,
    per_fact: int = 0,
    answer: str = "",
    system: str = "",
    seed: int = 0,
) -> list[Example]:
    """Every fact in its wordings, `per_fact` of them (0: all), in the language of the fact. `group` names the fact.

    `answer` replaces the shipped answer pattern: "{value}" alone answers shortest. Raises InvalidInput for a bad pattern.
    """
    patterns = patterns or load_patterns()
    if answer:
        _check(answer, "the answer pattern")
    examples = []
    for fact in facts:
        questions, said = patterns[language_of(fact)].of(fact.attribute)
        wordings = list(dict.fromkeys(_fill(question, fact) for question in questions))
        if 0 < per_fact < len(wordings):
            chosen = random.Random(f"{seed} {fact.name}").sample(range(len(wordings)), per_fact)  # noqa: S311
            wordings = [wordings[place] for place in sorted(chosen)]
        examples += [
            as_example(fact, wording, _fill(answer or said, fact), system) for wording in wordings
        ]
    return _without_ambiguous(examples)


def as_example(fact: Fact, question: str, answer: str, system: str = "") -> Example:
    """One wording of a fact with its answer."""
    before = (Message("system", system),) if system else ()
    turns = (*before, Message("user", question), Message("assistant", answer))
    return Example(turns, group=fact.name, where=fact.where)


def language_of(fact: Fact) -> str:
    """zh where the attribute, or the entity beside an attribute without letters, is written in Chinese."""
    return (
        "zh"
        if any("\u3400" <= letter <= "\u9fff" for letter in fact.attribute or fact.entity)
        else "en"
    )


def _without_ambiguous(examples: Sequence[Example]) -> list[Example]:
    """A question that two facts share cannot be answered: it is left out for both."""
    facts: dict[str, set[str]] = {}
    for example in examples:
        facts.setdefault(normalise(example.questions[0]), set()).add(example.group)
    return [example for example in examples if len(facts[normalise(example.questions[0])]) == 1]


def _fill(pattern: str, fact: Fact) -> str:
    attribute = fact.attribute.replace("_", " ")
    attribute = attribute if attribute.isupper() else attribute.lower()
    value = fact.value.rstrip("。.") if pattern.rstrip().endswith(("。", ".")) else fact.value
    return pattern.format(entity=fact.entity, attribute=attribute, value=value)


def _read_patterns(data: bytes, name: str) -> Patterns:
    try:
        found = tomllib.loads(data.decode())
        kinds = {
            kind: Kind(
                tuple(map(str.lower, one["attributes"])),
                tuple(one["questions"]),
                one.get("answer", ""),
            )
            for kind, one in found.get("kinds", {}).items()
        }
        patterns = Patterns(found["answer"], tuple(found["questions"]), kinds)
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise InvalidInput(
            say(
                "The patterns {name} cannot be read: {name2} {error}",
                name=name,
                name2=type(error).__name__,
                error=error,
            ),
            "Write answer, questions, and [kinds.NAME] with attributes and questions, as finetune/patterns/en.toml does.",
        ) from error
    for kind in kinds.values():
        _check_all(kind.questions, kind.answer, name)
    _check_all(patterns.questions, patterns.answer, name)
    return patterns


def _check_all(questions: Sequence[str], answer: str, name: str) -> None:
    for question in questions:
        _check(question, name)
        if "{entity}" not in question or "{value}" in question:
            raise InvalidInput(
                say("{name}: {question!r}", name=name, question=question),
                "A question names {entity} and must not tell the {value}.",
            )
    if answer:
        _check(answer, name)


def _check(pattern: str, name: str) -> None:
    try:
        fields = {part for _, part, _, _ in string.Formatter().parse(pattern) if part is not None}
    except ValueError as error:
        raise InvalidInput(
            say("{name}: {pattern!r}: {error}", name=name, pattern=pattern, error=error),
            "Close every brace.",
        ) from error
    if fields - FIELDS:
        raise InvalidInput(
            say(
                "{name}: {pattern!r} has {{{fields}}}",
                name=name,
                pattern=pattern,
                fields=(fields - FIELDS).pop(),
            ),
            "Use {entity}, {attribute}, {value}.",
        )
