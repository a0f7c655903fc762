"""What an answer rests on: gathered at the chat seam, listed, and compared in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from agents.answer import answer
from agents.lineage import prompt_version
from agents.question import Question
from agents.registry import Agent, registered
from workbench.chat.conversations import Conversations, Message, Turn
from workbench.chat.events import (
    Done,
    Event,
    Failed,
    Query,
    Routed,
    Source,
    Table,
    Token,
    from_dict,
    to_dict,
)
from workbench.chat.lineage import lineage_of
from workbench.chat.why import why_changed
from workbench.cli import workbench
from workbench.contributions import chinese
from workbench.errors import Unavailable
from workbench.messages import translate
from workbench.settings import Settings

HERE = "test_lineage"
PASSAGE = Source(1, "Thirty days.", "a/leave.md", "p. 1", 0.8, "p1", "handbook")
OTHER = replace(PASSAGE, source="a/travel.md", passage_id="p2")


def answer_known(question: Question) -> Iterator[Event]:
    """An answer from a passage and a query; it fails where it is told to."""
    yield PASSAGE
    yield Query("select 1", "sqlite", "shop")
    yield Table(["one"], [[1]])
    if "fail" in question.text:
        raise Unavailable("The server is gone.", "Start it.")
    yield Token("Thirty days.")
    yield Done("openai:x", 1.0, lineage={"collection": "handbook", "revision": "3"})


KNOWN = Agent(
    mode="known",
    run=f"{HERE}:answer_known",
    command="/known",
    english="Known",
    chinese="已知",
    icon=":material/toys:",
    busy=("…", "…"),
    description="Knows.",
)


def stored(facts: dict[str, Any], text: str = "Thirty days.", agent: str = "documents") -> Message:
    """An answer as the database has it."""
    done = Done(str(facts.get("model", "none")), 1.0, lineage=facts)
    return Message(1, 1, "assistant", text, [Routed(agent, ""), Token(text), done])


def test_every_answer_names_its_route_passages_query_settings_and_turns(
    settings: Settings,
) -> None:
    turns: Sequence[Turn] = [Turn("user", "Hello"), Turn("assistant", "Hi", "none")]
    chosen = settings.model_copy(update={"system_prompt": "Be brief. " * 500})
    with registered(KNOWN):
        done = list(answer("How long?", turns, chosen, "known", ["/x/a.pdf"]))[-1]
        failed = list(answer("fail", [], chosen, "known"))[-1]
        other_turns = list(answer("How long?", turns[:1], chosen, "known"))[-1]
    assert isinstance(done, Done) and isinstance(failed, Failed) and isinstance(other_turns, Done)
    facts = done.lineage
    assert (facts["agent"], facts["collection"], facts["revision"]) == ("known", "handbook", "3")
    assert facts["passages"] == [
        {
            "id": "p1",
            "score": 0.8,
            "source": "a/leave.md",
            "place": "p. 1",
            "collection": "handbook",
        }
    ]
    assert (facts["query"], facts["files"], facts["turns"]) == ("select 1", ["a.pdf"], 2)
    assert facts["settings"]["temperature"] == settings.temperature
    assert len(facts["settings"]["system_prompt"]) == 12, "not the long text itself"
    assert facts["history"] != other_turns.lineage["history"]
    # also what failed says how far it came
    assert failed.problem == "The server is gone." and failed.lineage["agent"] == "known"
    assert failed.lineage["passages"] == facts["passages"]
    assert failed.lineage["query"] == "select 1"
    gone = settings.model_copy(update={"collection": "gone", "model": "none"})
    missing = list(answer("How long?", [], gone, "documents"))[-1]
    assert isinstance(missing, Failed) and missing.lineage["collection"] == "gone"
    assert from_dict(json.loads(json.dumps(to_dict(failed)))) == failed


def test_an_answer_without_an_end_has_what_its_events_show() -> None:
    events = [Routed("documents", "about leave"), PASSAGE, Query("select 1", "sqlite", "shop")]
    stopped = Message(1, 1, "assistant", "Thir", [*events, Token("Thir")], state="stopped")
    facts = lineage_of(stopped)
    assert (facts["agent"], facts["reason"]) == ("documents", "about leave")
    assert facts["query"] == "select 1" and "model" not in facts
    assert facts["passages"][0]["place"] == "p. 1"


def test_an_agent_has_a_version_of_its_prompts() -> None:
    versions = [prompt_version(mode) for mode in ("documents", "data", "none")]
    assert all(versions) and len(set(versions)) == 3
    assert prompt_version("tuned") == prompt_version("gone") == ""


BEFORE: dict[str, Any] = {
    "model": "ollama:crew",
    "digest": "aa",
    "data_sha256": "d1",
    "published": "crew:v1",
    "collection": "handbook",
    "revision": "3",
    "embedder": "e5",
    "passages": [{"id": "p1", "score": 0.8, "source": "a/leave.md"}],
    "prompt": "one",
    "settings": {"temperature": 0.1, "system_prompt": ""},
    "history": "h1",
}
DIFFERENCES = [
    # what is another one -> what is said of it
    ({"revision": "5"}, "The collection handbook moved from revision 3 to 5."),
    ({"digest": "bb"}, "The model ollama:crew has other weights than before."),
    ({"model": "ollama:x", "digest": "b"}, "The model is ollama:x now, it was ollama:crew."),
    ({"data_sha256": "d2"}, "It was trained on other data."),
    ({"published": "crew:v2"}, "The published version is crew:v2, it was crew:v1."),
    ({"collection": "laws"}, "It reads the collection laws now, it read handbook."),
    ({"embedder": "bge"}, "The collection is searched by another embedder: bge."),
    ({"prompt": "two"}, "The prompt of the agent is another version."),
    ({"settings": {"temperature": 1.0}}, "The temperature is 1.0 now, it was 0.1."),
    ({"history": "h2"}, "The messages before it are others."),
    ({"query": "select 2"}, "The query is another one."),
]


@pytest.mark.parametrize(("changes", "said"), DIFFERENCES)
def test_only_what_differs_is_said(changes: dict[str, Any], said: str) -> None:
    found = why_changed(stored(BEFORE), stored(BEFORE | changes, "Twenty-eight days."))
    assert said in found.sentences
    assert set(found.changed) == changes.keys()
    others = {sentence for _, sentence in DIFFERENCES} - {said}
    assert not others & set(found.sentences)
    translated = [translate(sentence, chinese()) for sentence in found.sentences]
    assert not set(translated) & set(found.sentences), "each has its Chinese"


def test_passages_are_named_and_what_is_the_same_is_said() -> None:
    after = BEFORE | {"passages": [{"id": "p2", "score": 0.9, "source": "a/travel.md"}]}
    assert why_changed(stored(BEFORE), stored(after, "x")).sentences == (
        "Passage 1 is new: travel.md.",
        "Passage 1 of before is gone: leave.md.",
        "The model is the same: ollama:crew.",
        "The collection is the same: handbook.",
    )
    same = why_changed(stored(BEFORE), stored(BEFORE))
    assert same.same_text and not same.changed
    assert same.sentences[-1] == "The text is the same, word for word."
    drawn = why_changed(stored(BEFORE), stored(BEFORE, "x"))
    assert "draws its words" in drawn.sentences[-1]
    old = why_changed(stored({"model": "none"}), stored(BEFORE, "x"))
    assert "older than these records" in old.sentences[-1]
    other = why_changed(stored(BEFORE), stored(BEFORE, "x", agent="tuned"), str.upper)
    assert "TUNED answers now, DOCUMENTS did before." in other.sentences


def test_commands_list_answers_and_say_what_they_rest_on_and_why_they_changed(
    settings: Settings,
) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("leave")
    question = conversations.add(chat, "user", "How long?")
    old = conversations.add(chat, "assistant", "", mode="documents")
    conversations.save(old, stored(BEFORE).events, "done")
    new = conversations.add(chat, "assistant", "", mode="documents", instead_of=old)
    conversations.save(new, stored(BEFORE | {"revision": "5"}, "28 days.").events, "done")

    def run(*words: str) -> list[dict[str, Any]]:
        shown = CliRunner().invoke(workbench, ["chats", *words, "--json"])
        return [json.loads(line) for line in shown.stdout.splitlines()]

    (listed,) = run("answers", str(chat))
    assert (listed["message"], listed["versions"]) == (new, [old, new])
    (facts,) = run("lineage", str(old))
    assert facts["lineage"]["revision"] == "3"
    assert facts["lineage"] == json.loads(json.dumps(lineage_of(conversations.message(old))))
    (why,) = run("why", str(old), str(new))
    assert why["changed"] == ["revision"] and not why["same_text"]
    assert why["why"][0] == "The collection handbook moved from revision 3 to 5."
    (refused,) = run("lineage", str(question))
    assert refused["event"] == "failed" and f"chats answers {chat}" in refused["fix"]
    shown = CliRunner().invoke(workbench, ["chats", "why", str(old), str(new)])
    assert shown.stdout.splitlines()[0] == "The collection handbook moved from revision 3 to 5."
