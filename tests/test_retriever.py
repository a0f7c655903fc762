"""The one search that everything asks: both legs, filters, ties, odd questions, a reranker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rag import chroma, embeddings, lexical_files, retriever
from rag.calibration import calibrate
from rag.everyday import everyday
from rag.fusion import fuse, standard
from rag.lexical import LexicalIndex
from rag.lexical_files import lexical_index
from rag.reranker import rerank
from rag.retriever import retrieve
from rag.store import Collection, delete_collection
from tests.retrieval_fakes import (
    BilingualEmbedder,
    NoiseEmbedder,
    TopicEmbedder,
    chinese,
    fill,
    make_collection,
    meaning_of,
    topics,
)
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings

EMBEDDERS = {
    "noise": NoiseEmbedder(),
    "topic": TopicEmbedder(),
    "bilingual": BilingualEmbedder(meaning_of),
}


@pytest.fixture(autouse=True)
def known_embedders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_load", lambda name, *_: EMBEDDERS[name])


@pytest.fixture
def collection(settings: Settings) -> Iterator[Collection]:
    yield make_collection(settings, topics(120), EMBEDDERS["topic"])
    delete_collection(settings, "test")


def found(
    question: str, collection: Collection, settings: Settings, **options: object
) -> list[str]:
    return [hit.passage.source for hit in retrieve(question, collection, settings, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_reading_few_passages_finds_what_scoring_all_of_them_finds(
    collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch, weight: float
) -> None:
    monkeypatch.setattr(retriever, "CANDIDATES", 12)
    index = lexical_index(collection)
    passages, vectors = collection.passages_and_vectors(list(index.ids))
    for row in range(0, 120, 8):
        question = f"topic{row}x1 topic{row + 1}x2 common3 common{row % 30}"
        dense = vectors @ EMBEDDERS["topic"].embed([question])[0]
        exact = fuse(dense, index.coverage(question), weight)
        best = sorted(range(120), key=lambda at: (-round(float(exact[at]), 5), passages[at].id))[:5]
        hits = retrieve(question, collection, settings, 5, weight=weight)
        np.testing.assert_allclose(
            [hit.score for hit in hits], [max(exact[at], 0) for at in best], atol=1e-4
        )


def test_the_learned_order_is_that_of_scoring_all_passages_in_deviations(
    collection: Collection, settings: Settings
) -> None:
    learned = calibrate(collection, settings)
    index = lexical_index(collection)
    passages, vectors = collection.passages_and_vectors(list(index.ids))
    others = everyday(EMBEDDERS["topic"]).sentences["en"]
    for row in range(0, 120, 8):
        question = f"topic{row}x1 topic{row + 1}x2 common3 common{row % 30}"
        vector = EMBEDDERS["topic"].embed([question])[0]
        dense = standard(np.concatenate([vectors, others]) @ vector)
        lexical = standard(np.concatenate([index.coverage(question), np.zeros(40)]), 0.01)
        exact = fuse(dense, lexical, learned.share("en"))[:120]
        best = [passages[at].source for at in np.argsort(-exact, kind="stable")[:3]]
        assert found(question, collection, settings, k=3) == best


def test_hits_carry_both_legs_and_come_best_first(
    collection: Collection, settings: Settings
) -> None:
    hits = retrieve("topic7x1 topic7x3", collection, settings, 4, weight=0.5)
    assert hits[0].passage.source == "file007.md"
    assert hits[0].lexical > 0 and hits[0].dense > hits[-1].dense
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in hits)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_a_filter_holds_in_both_legs(
    collection: Collection, settings: Settings, weight: float
) -> None:
    question = "topic7x1 topic7x3 common1"
    assert found(question, collection, settings, weight=weight)[0] == "file007.md"
    other = found(question, collection, settings, k=200, where={"page": 1}, weight=weight)
    assert other and "file007.md" not in other
    assert {int(name[4:7]) % 3 for name in other} == {0}
    assert found(question, collection, settings, where={"source": "file007.md"}, weight=weight) == [
        "file007.md"
    ]
    assert (
        found(question, collection, settings, where={"source": "nowhere.md"}, weight=weight) == []
    )


def test_fewer_hits_are_the_first_of_more(collection: Collection, settings: Settings) -> None:
    """So one search serves the router, which looks at four, and the agent, which reads more."""
    for row in range(0, 120, 10):
        question = f"topic{row}x1 topic{row + 1}x2 common{row % 30}"
        more = retrieve(question, collection, settings, 12)
        assert len(more) == 12
        fewer = retrieve(question, collection, settings, 4)
        assert [(hit.passage, hit.score, hit.relevant) for hit in fewer] == [
            (hit.passage, hit.score, hit.relevant) for hit in more[:4]
        ]


def test_equal_scores_come_in_the_order_of_their_ids(settings: Settings) -> None:
    texts = {f"{name}.md": "the same text in every file" for name in "dbeac"}
    collection = make_collection(settings, texts, EMBEDDERS["topic"])
    for _ in range(3):
        assert found("same text", collection, settings, k=3) == ["a.md", "b.md", "c.md"]


def test_a_changed_collection_is_searched_as_it_is_now(
    collection: Collection, settings: Settings
) -> None:
    assert "new.md" not in found("zebra", collection, settings)
    fill(collection, {"new.md": "A zebra has stripes."}, EMBEDDERS["topic"])
    assert found("zebra", collection, settings, weight=0.0)[0] == "new.md"
    with collection.writing():
        collection.remove(["new.md"])
    assert "new.md" not in found("zebra", collection, settings)
    assert len(list(collection.folder.glob("lexical-*"))) == 1


def test_a_change_of_a_large_collection_is_all_that_is_read(
    collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lexical_index(collection)
    (collection.folder / ".lexical-3-1.77-abc.part").mkdir()  # what a killed process left
    monkeypatch.setattr(lexical_files, "SMALL", 0)
    monkeypatch.setattr(LexicalIndex, "build", None)  # a call would fail
    fill(collection, {"new.md": "A zebra has stripes."}, EMBEDDERS["topic"])
    assert found("zebra", collection, settings, weight=0.0)[0] == "new.md"
    with collection.writing():
        collection.remove(["new.md", "file007.md"])
    assert "new.md" not in found("zebra", collection, settings)
    assert "file007.md" not in found("topic7x1", collection, settings, weight=0.0)
    lexical_files._indexes.clear()
    assert found("topic8x1", collection, settings, weight=0.0)[0] == "file008.md"
    assert len([path for path in collection.folder.glob("*lexical-*") if path.is_dir()]) == 1


def test_a_large_index_is_searched_more_widely(
    collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma, "EFFORTS", ((121, 350), (0, 200)))
    assert collection.index.handle().configuration_json["hnsw"]["ef_search"] == 200
    fill(collection, {"new.md": "A zebra has stripes."}, EMBEDDERS["topic"])
    assert collection.index.handle().configuration_json["hnsw"]["ef_search"] == 350
    assert found("topic7x1 topic7x3", collection, settings)[0] == "file007.md"


@pytest.mark.parametrize("passing", [3, 60])
def test_a_filter_gives_the_same_whether_few_or_many_pass_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, passing: int
) -> None:
    texts = {f"{'a' if row < passing else 'b'}/{row}.md": f"word{row} common" for row in range(120)}
    collection = make_collection(settings, texts, EMBEDDERS["topic"])
    where = {"source": {"$in": [name for name in texts if name.startswith("a/")]}}
    wanted = retrieve("common word1", collection, settings, 5, where, weight=0.0)
    monkeypatch.setattr(retriever, "FILTERED", 4)
    monkeypatch.setattr(retriever, "FILTERED_MORE", 2)
    assert retrieve("common word1", collection, settings, 5, where, weight=0.0) == wanted
    assert len(wanted) == min(5, passing)


def test_the_index_on_disk_is_used_by_the_next_process(
    collection: Collection, settings: Settings
) -> None:
    before = found("topic7x1", collection, settings, weight=0.0)
    lexical_files._indexes.clear()
    assert found("topic7x1", collection, settings, weight=0.0) == before


@pytest.mark.parametrize("question", ["", "   ", "?!… —", "😀😀", "\n\t"])
def test_a_question_without_words_finds_nothing(
    collection: Collection, settings: Settings, question: str
) -> None:
    assert retrieve(question, collection, settings) == []


@pytest.mark.parametrize(
    "question",
    [
        "topic7x1 " * 1200,
        "topic7x1 😀",
        "topic7x1'); drop table passages; --",
        "\x00topic7x1 \ud7ff",
    ],
)
def test_odd_questions_still_find_their_passage(
    collection: Collection, settings: Settings, question: str
) -> None:
    assert found(question, collection, settings)[0] == "file007.md"


def test_a_word_nobody_wrote_still_gives_the_nearest(
    collection: Collection, settings: Settings
) -> None:
    assert len(found("zzzz", collection, settings, k=4)) == 4


@pytest.mark.parametrize("size", [0, 1, 2])
def test_tiny_collections_give_what_they_have(settings: Settings, size: int) -> None:
    collection = make_collection(settings, topics(size), EMBEDDERS["topic"])
    calibrate(collection, settings)
    assert len(found("topic0x1 common1", collection, settings, k=5)) == size


def test_a_question_from_elsewhere_is_not_relevant(
    collection: Collection, settings: Settings
) -> None:
    calibrate(collection, settings)
    known = [
        retrieve(f"topic{row}x0 topic{row}x2 topic{row}x4", collection, settings)[0]
        for row in range(0, 120, 5)
    ]
    strange = [
        retrieve(f"strange{row} unheard{row} common{row % 30}", collection, settings)[0]
        for row in range(24)
    ]
    assert sum(hit.relevant for hit in known) >= 23
    assert sum(hit.relevant for hit in strange) <= 2


@pytest.fixture
def bilingual(settings: Settings) -> Iterator[Collection]:
    """Forty passages in English and forty others in Chinese."""
    texts = topics(80)
    for row, name in enumerate(list(texts)):
        if row >= 40:
            texts[name] = chinese(texts[name])
    yield make_collection(settings, texts, EMBEDDERS["bilingual"])
    delete_collection(settings, "test")


def test_a_question_finds_passages_of_both_languages(
    bilingual: Collection, settings: Settings
) -> None:
    learned = calibrate(bilingual, settings)
    assert learned.languages == {"en": 40, "zh": 40}
    assert all(spread.crossing is not None for spread in learned.spreads.values())
    first = {"en": 0, "zh": 0}
    relevant = {"en": 0, "zh": 0}
    for row in range(0, 80, 4):
        asked = f"topic{row}x0 topic{row}x2 topic{row}x4"
        for language, question in (("en", asked), ("zh", chinese(asked))):
            hits = retrieve(question, bilingual, settings, 4)
            assert len({hit.passage.id for hit in hits}) == 4
            first[language] += hits[0].passage.source == f"file{row:03}.md"
            relevant[language] += hits[0].relevant
    assert min(first.values()) >= 17
    assert min(relevant.values()) >= 15


def test_in_two_languages_too_the_passages_left_out_are_none_of_the_best(
    bilingual: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate(bilingual, settings)
    asked = [f"topic{row}x0 topic{row}x2 common3" for row in range(0, 80, 8)]
    asked += [chinese(question) for question in asked]
    few = [retrieve(question, bilingual, settings, 4) for question in asked]
    read = []
    monkeypatch.setattr(
        retriever,
        "_rule_out",
        lambda found, *_: read.append(len(found.ids)) or list(range(len(found.ids))),
    )
    assert [retrieve(question, bilingual, settings, 4) for question in asked] == few
    assert min(read) > 30


def test_no_meaning_is_read_across_languages_by_an_embedder_that_knows_one(
    settings: Settings,
) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    learned = calibrate(collection, settings)
    assert learned.spreads["en"].crossing is None
    hits = retrieve(chinese("topic7x0 topic7x2"), collection, settings, 4)
    assert len(hits) == 4 and not any(hit.relevant for hit in hits)
    [named] = retrieve(chinese("topic7x0") + "的 topic7x2", collection, settings, 1)
    assert named.passage.source == "file007.md" and named.relevant


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of one tiny layer, made on the spot; its weights are random."""
    return _make_cross_encoder(tmp_path_factory.mktemp("reranker"), labels=1)


def _make_cross_encoder(folder: Path, labels: int) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(1)
    known = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *(f"topic{row}x{number}" for row in range(20) for number in range(6)),
    ]
    tokenizer = Tokenizer(
        models.WordLevel({word: row for row, word in enumerate(known)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(known),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_cross_encoder_sets_the_order(
    collection: Collection, settings: Settings, cross_encoder: Path
) -> None:
    chosen = settings.model_copy(update={"reranker": str(cross_encoder)})
    before = retrieve("topic7x1 common2", collection, settings, 30)
    after = retrieve("topic7x1 common2", collection, chosen, 5)
    assert [hit.score for hit in after] == sorted((hit.score for hit in after), reverse=True)
    legs = {hit.passage.id: (hit.dense, hit.lexical, hit.relevant) for hit in before}
    assert all((hit.dense, hit.lexical, hit.relevant) == legs[hit.passage.id] for hit in after)
    assert after == rerank("topic7x1 common2", before, chosen)[:5]
    assert [hit.passage.id for hit in after] != [hit.passage.id for hit in before][:5]
    assert rerank("anything", [], chosen) == []


def test_a_classifier_is_refused_as_a_reranker(
    collection: Collection, settings: Settings, tmp_path: Path
) -> None:
    chosen = settings.model_copy(update={"reranker": str(_make_cross_encoder(tmp_path, labels=3))})
    with pytest.raises(InvalidInput, match="3 classes"):
        retrieve("topic7x1", collection, chosen)


def test_a_reranker_that_is_not_there_is_named(
    collection: Collection, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="not a model's folder"):
        retrieve("topic7x1", collection, settings.model_copy(update={"reranker": str(tmp_path)}))


def test_the_documents_of_a_collection_become_lines_to_train_on(
    collection: Collection, settings: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "texts.jsonl"
    command = ["rag", "texts", "test", "--out", str(out), "--json"]
    done = CliRunner().invoke(workbench, command)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    documents = [one for one in collection.documents() if collection.document(one.source)]
    assert json.loads(done.stdout)["documents"] == len(rows) == len(documents) > 0
    for row, document in zip(rows, documents, strict=True):
        assert row["title"] == Path(document.source).name
        passages = collection.document(document.source)
        assert row["text"] == "\n".join(passage.text for passage in passages)
    refused = CliRunner().invoke(workbench, command)
    assert refused.exit_code == 1
    assert "exists already" in refused.output
    assert not CliRunner().invoke(workbench, [*command, "--replace"]).exit_code
