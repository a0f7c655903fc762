"""Files -> searchable index: ours against LangChain's default pipeline and against the encoder alone, in one run.

The same passages (one file each), the same model, on two cores: `.venv/bin/python benchmarks/ingest.py [PASSAGES]`
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
from rag.sentence_models import PACKAGED, model_folder
from rag.store import open_collection
from workbench.settings import load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "retrieval_xquad_en"
ROUNDS = 3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    texts = []
    for name in ("passages.jsonl", "distractors.jsonl"):
        texts += [
            json.loads(line)["text"] for line in (DATA / name).read_text("utf-8").splitlines()
        ]
    texts = texts[:count]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        settings = load_settings(home=root / "workspace")
        encoder = load_embedder(PACKAGED, settings)
        embeddings = HuggingFaceEmbeddings(model_name=model_folder(PACKAGED, root))
        files = root / "files"
        files.mkdir()
        for number, text in enumerate(texts):
            (files / f"{number:05}.txt").write_text(text, "utf-8")
        speeds: dict[str, list[float]] = {
            "ours": [],
            "calibrated": [],
            "langchain": [],
            "encoder": [],
        }
        for turn in range(
            ROUNDS
        ):  # interleaved, so that a slow moment of the machine meets all three
            begun, searchable = time.monotonic(), [0.0]

            def report(event: dict, since: float = begun, until: list[float] = searchable) -> None:
                if event["event"] == "calibrating":
                    until[0] = time.monotonic() - since

            ingest([files], f"round {turn}", settings, report=report)
            whole = time.monotonic() - begun
            passages = [
                passage.text for passage in open_collection(settings, f"round {turn}").passages()
            ]
            speeds["ours"].append(len(texts) / searchable[0])
            speeds["calibrated"].append(len(texts) / whole)
            begun = time.monotonic()
            encoder.embed(passages)
            speeds["encoder"].append(len(texts) / (time.monotonic() - begun))
            begun = time.monotonic()
            langchain(files, embeddings, root / f"chroma-{turn}")
            speeds["langchain"].append(len(texts) / (time.monotonic() - begun))
        shutil.rmtree(root / "workspace", ignore_errors=True)
    ours, theirs, raw = (median(speeds[name]) for name in ("ours", "langchain", "encoder"))
    print(
        f"{len(texts)} texts, median of {ROUNDS} rounds, texts a second until all can be searched; both models loaded before"
    )
    print(
        f"ours {ours:.1f} ({median(speeds['calibrated']):.1f} with calibration, which LangChain has none of)"
    )
    print(f"LangChain {theirs:.1f}   the encoder alone {raw:.1f}")
    print(
        f"against LangChain {ours / theirs:.2f} x (target 3)   against the encoder {ours / raw:.2f} x (target 0.85)"
    )


def langchain(files: Path, embeddings: Any, folder: Path) -> None:
    """The pipeline of LangChain's own introductions, with its default settings; these texts stay whole in it."""
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
