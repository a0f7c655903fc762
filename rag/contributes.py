"""What `rag` adds to the whole."""

from pathlib import Path

from rag.example import EXAMPLE
from workbench.contributions import Contribution, FirstStart, JobKind

CONTRIBUTION = Contribution(
    commands={
        "rag": ("rag.commands.rag:rag", "Read files into collections, search and measure them."),
    },
    checks=["rag.checks:check_retrieval", "rag.mending:check_index"],
    repairs=["rag.mending:mend_index"],
    stores=["rag.catalogue:STORE"],
    carried={"collection": "rag.carrying:COLLECTION"},
    moves=["rag.moving:move_documents"],
    restored=["rag.moving:build_indexes"],
    first_start=[
        FirstStart(
            words=["rag", "ingest", str(EXAMPLE), "--collection", "handbook"],
            unless="index.db",
        )
    ],
    jobs={
        "rag ingest": JobKind(made="rag.ui.made:made_by_ingest", heavy=True),
        "rag reindex": JobKind(made="rag.ui.made:made_by_reindex", heavy=True),
    },
    chinese=Path(__file__).with_name("chinese.toml"),
)
