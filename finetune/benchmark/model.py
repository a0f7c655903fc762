"""What a benchmark has to know of a model: how it is asked, and what it was taught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from finetune.run.runs import Run

Asking = AbstractContextManager[Any]  # the library's model, while it is in use


@dataclass(frozen=True)
class Model:
    """A model that is measured. `ask` gives the library's model of it: (batch, chat) -> …"""

    name: str
    digest: str
    talks: bool  # whether it has a chat template
    ask: Callable[[int, bool], Asking]
    run: Run | None = None  # where its figures belong; none for a base and for a server's
    taught_by: Run | None = None  # whose training data it has seen
    system: str = ""
    served: bool = False
