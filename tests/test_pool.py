"""Several collections are searched as if they were one, and each hit says where it was found."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from retrieval_fakes import DIMENSION, TopicEmbedder, fill, topics

from agents.answer import answer
from rag.pool import open_pool
from rag.store import create_collection
from workbench.chat.events import Done, Failed, Source
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings, load_settings

TEXTS = topics(40)
SMALL = {"leave.md": "Employees have 28 days of annual leave."}


@pytest.fixture
def collections(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """`whole` has 40 passages; `large` has 33 of them, `little` the other 7, `tiny` one of its own."""
    embedder = TopicEmbedder()
    for module in ("rag.retriever", "rag.calibration", "rag.pool", "agents.documents.quoting"):
        monkeypatch.setattr(f"{module}.load_embedder", lambda name, settings: embedder)
    names = list(TEXTS)
    parts = {"whole": names, "large": names[:33], "little": names[33:]}
    for name, files in parts.items():
        texts = {file: TEXTS[file] for file in files}
        fill(create_collection(settings, name, "topic", DIMENSION), texts, embedder)
    fill(create_collection(settings, "tiny", "topic", DIMENSION), SMALL, embedder)
    return settings


def test_two_collections_rank_and_score_as_the_one_that_holds_both(collections: Settings) -> None:
    whole = open_pool(collections, ["whole"])
    parts = open_pool(collections, ["large", "little"])
    for row in (1, 20, 34, 39):
        question = f"topic{row}x1 topic{row}x4 common3 common7"
        wanted = whole.retrieve(question, collections, 3)
        found = parts.retrieve(question, collections, 3)
        assert found[0].passage.source == wanted[0].passage.source == f"file{row:03}.md"
        assert found[0].collection == ("large" if row < 33 else "little")
        assert found[0].score == pytest.approx(wanted[0].score, abs=0.02)
        assert found[0].relevant
    nonsense = parts.retrieve("zebra", collections, 3)
    assert [hit.relevant for hit in nonsense] == [
        hit.relevant for hit in whole.retrieve("zebra", collections, 3)
    ]


def test_a_passage_of_two_collections_comes_once(collections: Settings) -> None:
    hits = open_pool(collections, ["whole", "little"]).retrieve("topic39x1", collections, 5)
    assert len({hit.passage.text for hit in hits}) == len(hits) == 5
    assert hits[0].passage.source == "file039.md"


def test_an_answer_cites_the_collection_of_each_passage(collections: Settings) -> None:
    chosen = load_settings(collection="large, tiny", model="none")
    events = list(answer("How many days of annual leave?", [], chosen, "documents"))
    sources = [event for event in events if isinstance(event, Source)]
    assert sources[0].collection == "tiny" and sources[0].source == "leave.md"
    assert {source.collection for source in sources} == {"large", "tiny"}
    done = events[-1]
    assert isinstance(done, Done) and done.lineage["collection"] == "large, tiny"


def test_names_are_split_and_checked(collections: Settings) -> None:
    assert load_settings(collection=" large,, tiny , large").collections == ["large", "tiny"]
    with pytest.raises(NotFound) as missing:
        open_pool(collections, ["large", "nowhere"])
    assert "nowhere" in missing.value.problem and "large, little, tiny" in missing.value.fix
    with pytest.raises(InvalidInput, match="No collection is chosen"):
        open_pool(collections, load_settings(collection=" , ").collections)
    last = list(answer("leave", [], load_settings(collection="large, nowhere"), "documents"))[-1]
    assert isinstance(last, Failed) and "nowhere" in last.problem


def test_commands_take_several(collections: Settings) -> None:
    chosen = ["-c", "large", "-c", "tiny"]
    asked = ["ask", "days of annual leave", "--mode", "documents", "--model", "none", "--json"]
    shown = CliRunner().invoke(workbench, [*asked, *chosen])
    assert shown.exit_code == 0, shown.output
    sources = [json.loads(line) for line in shown.stdout.splitlines() if '"source"' in line]
    assert sources[0]["collection"] == "tiny"
    searched = CliRunner().invoke(
        workbench, ["rag", "search", "leave", "-c", "large,tiny", "--json"]
    )
    assert json.loads(searched.stdout.splitlines()[0])["collection"] == "tiny"
