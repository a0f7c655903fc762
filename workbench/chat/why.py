"""Two answers -> why the newer one differs, in sentences: only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.chat.lineage import lineage_of, where
from workbench.chat.records import Message
from workbench.messages import say

Facts = Mapping[str, Any]
SETTINGS = {
    "temperature": "The temperature",
    "top_p": "Top-p",
    "answer_tokens": "The longest answer in tokens",
    "context_tokens": "The context in tokens",
}


@dataclass(frozen=True)
class Why:
    """What differs between two answers; `changed` names the facts, as keys of their lineage."""

    same_text: bool
    changed: tuple[str, ...]
    sentences: tuple[str, ...]


def why_changed(old: Message, new: Message, name_agent: Callable[[str], str] = str) -> Why:
    """What the newer answer rests on that the older one did not, and the other way round.

    The sentences are messages: a page says them in its language. `name_agent` gives the name of an
    agent's mode for a person.
    """
    before, after = lineage_of(old), lineage_of(new)
    before["agent"], after["agent"] = name_agent(old.agent), name_agent(new.agent)
    same_text = old.content.strip() == new.content.strip()
    found: list[str] = []
    changed: list[str] = []
    for keys, compare in _PARTS:
        if not any(key in before or key in after for key in keys):
            continue
        said = list(compare(before, after))
        found += said
        if said:
            changed += [key for key in keys if before.get(key) != after.get(key)]
    closing = _closing(before, after, same_text, bool(changed))
    return Why(same_text, tuple(changed), (*found, *closing))


def _closing(before: Facts, after: Facts, same_text: bool, differs: bool) -> Iterator[str]:
    """What is the same, and what is to be known of the texts."""
    if after.get("model") and _weights(before) == _weights(after):
        yield say("The model is the same: {model}.", model=after["model"])
    if after.get("collection") and _searched(before) == _searched(after):
        yield say("The collection is the same: {name}.", name=after["collection"])
    if same_text:
        yield say("The text is the same, word for word.")
    elif "settings" not in before or "settings" not in after:
        yield say("One of the two is older than these records: other reasons may be unknown.")
    elif not differs:
        yield say("Nothing on record differs: the model draws its words, so they can vary.")


def _agent(before: Facts, after: Facts) -> Iterator[str]:
    if before.get("agent") != after.get("agent"):
        yield say(
            "{new} answers now, {old} did before.", new=after["agent"], old=before.get("agent")
        )


def _model(before: Facts, after: Facts) -> Iterator[str]:
    old, new = before.get("model"), after.get("model")
    if _weights(before) == _weights(after):
        return
    if old != new:
        old, new = old or say("no model"), new or say("no model")
        yield say("The model is {new} now, it was {old}.", new=new, old=old)
    else:
        yield say("The model {name} has other weights than before.", name=new)


def _weights(facts: Facts) -> Any:
    """What identifies the model: its fingerprint, else its name."""
    return facts.get("digest") or facts.get("model")


def _training(before: Facts, after: Facts) -> Iterator[str]:
    old, new = before.get("data_sha256"), after.get("data_sha256")
    if old and new and old != new:
        yield say("It was trained on other data.")
    old, new = before.get("published"), after.get("published")
    if old and new and old != new:
        yield say("The published version is {new}, it was {old}.", new=new, old=old)


def _collection(before: Facts, after: Facts) -> Iterator[str]:
    old, new = before.get("collection"), after.get("collection")
    if old != new:
        if old and new:
            yield say("It reads the collection {new} now, it read {old}.", new=new, old=old)
        return
    if before.get("revision") != after.get("revision"):
        yield say(
            "The collection {name} moved from revision {old} to {new}.",
            name=new,
            old=before.get("revision"),
            new=after.get("revision"),
        )
    if before.get("embedder") != after.get("embedder"):
        yield say("The collection is searched by another embedder: {name}.", name=after["embedder"])


def _searched(facts: Facts) -> tuple[Any, ...]:
    return tuple(facts.get(key) for key in ("collection", "revision", "embedder"))


def _passages(before: Facts, after: Facts) -> Iterator[str]:
    old, new = _numbered(before), _numbered(after)
    for key, number in new.items():
        if key not in old:
            file = where(after["passages"][number - 1])
            yield say("Passage {number} is new: {file}.", number=number, file=file)
    for key, number in old.items():
        if key not in new:
            file = where(before["passages"][number - 1])
            yield say("Passage {number} of before is gone: {file}.", number=number, file=file)
    if old.keys() == new.keys() and list(old) != list(new):
        yield say("The same passages were read in another order.")


def _numbered(facts: Facts) -> dict[str, int]:
    """Id of a passage -> its number in the answer."""
    passages = facts.get("passages") or []
    return {str(passage["id"]): number for number, passage in enumerate(passages, 1)}


def _data(before: Facts, after: Facts) -> Iterator[str]:
    if before.get("source") != after.get("source"):
        if before.get("source") and after.get("source"):
            new, old = after["source"], before["source"]
            yield say("It asks the database {new} now, it asked {old}.", new=new, old=old)
        return
    if _both_know("schema", before, after) and before["schema"] != after["schema"]:
        yield say("The tables of the database have changed.")
    if before.get("query") != after.get("query"):
        yield say("The query is another one.")
    elif before.get("rows") != after.get("rows"):
        yield say("The query is the same, the rows that it finds are others.")


def _both_know(key: str, before: Facts, after: Facts) -> bool:
    return bool(before.get(key) and after.get(key))


def _prompt(before: Facts, after: Facts) -> Iterator[str]:
    same_agent = before.get("agent") == after.get("agent")
    if same_agent and _both_know("prompt", before, after) and before["prompt"] != after["prompt"]:
        yield say("The prompt of the agent is another version.")


def _settings(before: Facts, after: Facts) -> Iterator[str]:
    old, new = before.get("settings"), after.get("settings")
    if not old or not new:
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        if name == "system_prompt":
            yield say("The system prompt is another one.")
        else:
            yield say(
                "{name} is {new} now, it was {old}.",
                name=SETTINGS.get(name, name),
                new=new.get(name),
                old=old.get(name),
            )


def _turns(before: Facts, after: Facts) -> Iterator[str]:
    if "settings" in before and "settings" in after:
        if before.get("history") != after.get("history"):
            yield say("The messages before it are others.")
        if before.get("files") != after.get("files"):
            yield say("Other files came with the question.")


Compare = Callable[[Facts, Facts], Iterator[str]]

_PARTS: Sequence[tuple[tuple[str, ...], Compare]] = [
    # keys of the lineage -> what compares them
    (("agent",), _agent),
    (("model", "digest"), _model),
    (("data_sha256", "published"), _training),
    (("collection", "revision", "embedder"), _collection),
    (("passages",), _passages),
    (("source", "schema", "query", "rows"), _data),
    (("prompt",), _prompt),
    (("settings",), _settings),
    (("history", "files"), _turns),
]
