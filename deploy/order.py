"""A person's order to publish, and the names of its choices and steps.

Light, for a page's first paint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.progress import Plan

if TYPE_CHECKING:
    from deploy.modelfile import Modelfile

PRECISIONS = ("f16", "bf16", "q8_0", "q4_K_M", "q4_1")
# that of the files that packages carry: published as they are, with an adapter on them or without
AS_PACKAGED = "q4_1"
# Step -> what a person reads while it goes on.
STAGES = {
    "check": "Checking",
    "convert": "Converting to GGUF",
    "upload": "Uploading to Ollama",
    "create": "Creating the model",
    "prove": "Proving the model",
    "promote": "Making it the latest",
}
STEPS = tuple(STAGES)
PLAN = Plan(dict.fromkeys(STAGES.values(), 1))
# Whether the adapter alone is published, on a base that Ollama has.
ADAPTER = ("auto", "always", "never")
PROMPTS = 20  # conversations of a proof


@dataclass(frozen=True)
class Order:
    """One publish; empty fields are chosen from the run."""

    run: str
    name: str
    precision: str = "f16"
    system: str | None = None
    """None: the run's own."""
    modelfile: Modelfile | None = None
    pre: str = ""
    """llama.cpp's name of the pre-tokenizer."""
    llama_cpp: str = ""
    """A checkout to use instead of the installed package."""
    prompts: int = PROMPTS
    keeps_candidate: bool = False
    """After a failure, so that a retry goes on from there."""
    adapter: str = "auto"
    on: str = ""
    """The model in Ollama under the adapter; empty: one that was published from the same base."""
