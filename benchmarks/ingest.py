"""Files -> searchable index: ours, LangChain's default pipeline, and the encoder alone, in one run.

The same passages (one file each), the same model, which LangChain runs by sentence-transformers:
`.venv/bin/python benchmarks/ingest.py [PASSAGES] [EMBEDDER]`
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from langchain_huggingface import HuggingFaceEmbeddings

from rag.embeddings import load_embedder
from rag.ingest import ingest
from rag.store import open_collection
from workbench.models.packaged_embedders import E5, packaged_folder
from workbench.models.packed_e5 import E5_PROMPTS
from workbench.settings import Settings, load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "retrieval_xquad_en"
ROUNDS = 3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    model = sys.argv[2] if len(sys.argv) > 2 else E5
    texts = read_texts(count)
    speeds: dict[str, list[float]] = {"ours": [], "calibrated": [], "langchain": [], "encoder": []}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        settings = load_settings(home=root / "workspace")
        settings = settings.model_copy(update={"embedder": model})
        encoder = load_embedder(model, settings)
        prompts = {"prompt": E5_PROMPTS["document"]} if model == E5 else {}
        theirs = HuggingFaceEmbeddings(
            model_name=packaged_folder(model, settings.cache_folder("embedders")),
            encode_kwargs=prompts,
        )
        files = root / "files"
        files.mkdir()
        for number, text in enumerate(texts):
            (files / f"{number:05}.txt").write_text(text, "utf-8")
        # interleaved, so that a slow moment of the machine meets all three
        for turn in range(ROUNDS):
            searchable, whole = time_ours(files, f"round {turn}", settings)
            speeds["ours"].append(count / searchable)
            speeds["calibrated"].append(count / whole)
            collection = open_collection(settings, f"round {turn}")
            passages = [passage.text for passage in collection.passages()]
            begun = time.monotonic()
            encoder.embed(passages)
            speeds["encoder"].append(count / (time.monotonic() - begun))
            begun = time.monotonic()
            langchain(files, theirs, root / f"chroma-{turn}")
            speeds["langchain"].append(count / (time.monotonic() - begun))
        shutil.rmtree(root / "workspace", ignore_errors=True)
    print_speeds(model, count, {name: median(found) for name, found in speeds.items()})


def read_texts(count: int) -> list[str]:
    texts: list[str] = []
    for name in ("passages.jsonl", "distractors.jsonl"):
        for line in (DATA / name).read_text("utf-8").splitlines():
            texts.append(json.loads(line)["text"])
    return texts[:count]


def time_ours(files: Path, name: str, settings: Settings) -> tuple[float, float]:
    """Seconds until all can be searched, and until the weights are learned too."""
    begun = time.monotonic()
    searchable = [0.0]

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "calibrating":
            searchable[0] = time.monotonic() - begun

    ingest([files], name, settings, report=report)
    return searchable[0], time.monotonic() - begun


def print_speeds(model: str, count: int, speed: dict[str, float]) -> None:
    ours = speed["ours"]
    print(
        f"{model}, {count} texts, median of {ROUNDS} rounds, texts a second until all can be "
        "searched; "
        "both models loaded before"
    )
    print(f"ours {ours:.1f} ({speed['calibrated']:.1f} with calibration, which LangChain lacks)")
    print(f"LangChain {speed['langchain']:.1f}   the encoder alone {speed['encoder']:.1f}")
    print(
        f"against LangChain {ours / speed['langchain']:.2f} x (target 3)   "
        f"against the encoder {ours / speed['encoder']:.2f} x (target 0.85)"
    )


def langchain(files: Path, embeddings: Any, folder: Path) -> None:
    """The pipeline of LangChain's own introductions, with its default settings.

    It leaves these texts whole.
    """
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    documents = [
        Document(path.read_text("utf-8"), metadata={"source": str(path)})
        for path in sorted(files.iterdir())
    ]
    chunks = RecursiveCharacterTextSplitter().split_documents(documents)
    Chroma.from_documents(chunks, embeddings, persist_directory=str(folder))


if __name__ == "__main__":
    main()
