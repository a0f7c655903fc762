"""The prompt library: texts under a name, to be put into the question box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.names import checked_name
from workbench.confined import check_may_change
from workbench.errors import InvalidInput
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings

LONGEST_NAME = 60  # characters


@dataclass(frozen=True)
class Prompt:
    """A text with `{places}` that the person fills in."""

    name: str
    text: str


EXAMPLES = {
    "en": [
        Prompt("Summary", "Summarise {topic} in five points, each with its source."),
        Prompt("Comparison", "Compare {one} with {other}: what they share, where they differ."),
        Prompt("Translation", "Translate into {language}, and keep names and numbers:\n\n{text}"),
    ],
    "zh": [
        Prompt("总结", "用五个要点总结{主题}，每点注明出处。"),
        Prompt("对比", "对比{甲}和{乙}：有哪些相同点和不同点？"),
        Prompt("翻译", "翻译成{语言}，人名和数字保持不变：\n\n{原文}"),
    ],
}


def list_prompts(settings: Settings, language: str) -> list[Prompt]:
    """The person's own prompts, then the examples of that language that were not deleted.

    Raises InvalidInput where the file is damaged.
    """
    path = _file(settings)
    try:
        data = read_json(path, {})
        own = [Prompt(str(one["name"]), str(one["text"])) for one in data.get("prompts", [])]
        hidden = {*data.get("hidden", []), *(prompt.name for prompt in own)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(
            say("The prompts in {name} cannot be read: {error}", name=path.name, error=error),
            say("Correct {path}, or move it away.", path=path),
        ) from error
    return [*own, *(prompt for prompt in EXAMPLES[language] if prompt.name not in hidden)]


def save_prompt(name: str, text: str, settings: Settings) -> None:
    """Keep it, in the place of one with the same name. Raises InvalidInput."""
    name = checked_name(name, LONGEST_NAME)
    if not text.strip():
        raise InvalidInput("The prompt is empty.", "Write its text.")
    saved = asdict(Prompt(name, text.strip()))

    def change(data: dict[str, Any]) -> dict[str, Any]:
        others = [one for one in data.get("prompts", []) if one["name"] != name]
        return data | {"prompts": [*others, saved]}

    _update(settings, change)


def delete_prompt(name: str, settings: Settings) -> Callable[[], None]:
    """Take it away, an example too; returns what brings it back to its place."""
    taken: list[tuple[int, dict[str, Any]]] = []

    def change(data: dict[str, Any]) -> dict[str, Any]:
        prompts = data.get("prompts", [])
        taken.extend((place, one) for place, one in enumerate(prompts) if one["name"] == name)
        others = [one for one in prompts if one["name"] != name]
        return data | {"prompts": others, "hidden": [*data.get("hidden", []), name]}

    def bring_back(data: dict[str, Any]) -> dict[str, Any]:
        prompts = list(data.get("prompts", []))
        for place, one in taken:
            prompts.insert(place, one)
        hidden = list(data.get("hidden", []))
        hidden.remove(name)
        return data | {"prompts": prompts, "hidden": hidden}

    def undo() -> None:
        _update(settings, bring_back)

    _update(settings, change)
    return undo


def _file(settings: Settings) -> Path:
    return settings.folder() / "prompts.json"


def _update(settings: Settings, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    check_may_change(settings)
    list_prompts(settings, "en")  # a damaged file is said in our words, and left as it is
    update_json(_file(settings), change, {})
