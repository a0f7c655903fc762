"""The section [pretrain] of a run file, and what a run learns from: corpora with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from finetune.corpus.pieces import Documents
from finetune.corpus.store import Corpus
from finetune.section import Name, Section


class Pretrain(Section):
    """How text falls into documents, and how these are learned."""

    documents: Documents = "file"
    column: Name = "text"  # of JSON lines
    isolated: bool = False  # no document attends to another in its block
    weights: list[Annotated[float, Field(gt=0)]] = Field([])  # one for each entry of data.train


@dataclass(frozen=True)
class Weighted:
    """A corpus, and how often its blocks are learned in an epoch."""

    corpus: Corpus
    weight: float


@dataclass(frozen=True)
class Mixture:
    """What is taught: corpora of different weights, of each the `share` at its end held out."""

    corpora: tuple[Weighted, ...]
    share: float
    isolated: bool
