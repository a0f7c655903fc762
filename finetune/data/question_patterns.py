"""The shipped TOML files of question patterns, or a person's own -> Patterns by language."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

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
    """The questions that suit every attribute, those for a kind of attribute, and the answer."""

    answer: str
    questions: tuple[str, ...]
    kinds: Mapping[str, Kind]

    def of(self, attribute: str) -> tuple[tuple[str, ...], str]:
        """Question patterns, those of the attribute's kind first, and the answer pattern."""
        for kind in self.kinds.values():
            if attribute.lower() in kind.attributes:
                questions = dict.fromkeys([*kind.questions, *self.questions])
                return tuple(questions), kind.answer or self.answer
        return self.questions, self.answer


def load_patterns(path: Path | None = None) -> dict[str, Patterns]:
    """The shipped patterns by language, or those of a file of the same form for every language.

    Raises NotFound, or InvalidInput for patterns that cannot be filled in.
    """
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


def check_pattern(pattern: str, name: str) -> None:
    """Raises InvalidInput, which names the pattern's place, for unknown fields and open braces."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise InvalidInput(
            say("{name}: {pattern!r}: {error}", name=name, pattern=pattern, error=error),
            "Close every brace.",
        ) from error
    for _, field, _, _ in parts:
        if field is not None and field not in FIELDS:
            raise InvalidInput(
                say(
                    "{name}: {pattern!r} has {{{fields}}}",
                    name=name,
                    pattern=pattern,
                    fields=field,
                ),
                "Use {entity}, {attribute}, {value}.",
            )


def _read_patterns(data: bytes, name: str) -> Patterns:
    try:
        patterns = _patterns_of(tomllib.loads(data.decode()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            say(
                "The patterns {name} cannot be read: {kind} {error}",
                name=name,
                kind=type(error).__name__,
                error=error,
            ),
            "Write answer, questions, and [kinds.NAME] with attributes and questions, "
            "as finetune/data/patterns/en.toml does.",
        ) from error
    _check_all(patterns.questions, patterns.answer, name)
    for kind in patterns.kinds.values():
        _check_all(kind.questions, kind.answer, name)
    return patterns


def _patterns_of(found: dict[str, Any]) -> Patterns:
    kinds = {name: _kind_of(kind) for name, kind in found.get("kinds", {}).items()}
    return Patterns(found["answer"], tuple(found["questions"]), kinds)


def _kind_of(found: dict[str, Any]) -> Kind:
    attributes = tuple(name.lower() for name in found["attributes"])
    return Kind(attributes, tuple(found["questions"]), found.get("answer", ""))


def _check_all(questions: Sequence[str], answer: str, name: str) -> None:
    for question in questions:
        check_pattern(question, name)
        if "{entity}" not in question or "{value}" in question:
            raise InvalidInput(
                say("{name}: {question!r}", name=name, question=question),
                "A question names {entity} and must not tell the {value}.",
            )
    if answer:
        check_pattern(answer, name)
