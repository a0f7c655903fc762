"""The methods of training: one row each. `check`, `train`, the page and the card read them.

To add one: a module beside finetune/train/lora.py with its settings and functions, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from finetune.section import MethodSection
from finetune.train import full, lora, prompt, quantized
from finetune.weights import Weights


@dataclass(frozen=True)
class Method:
    """A row. The section in the run file chooses the method; its key `method` names one of several.

    The functions get the checked settings of the section as their first argument.
    """

    name: str
    title: tuple[str, str]
    """In English and in Chinese, for the page."""

    section: str
    settings: type[MethodSection]

    peft_config: Callable[[Any, Any, list[int]], Any]
    """(settings, model, ids of new tokens) -> the PEFT config; None trains the model itself."""

    trainable: Callable[[Any, Weights], int]
    """(settings, weights of the base) -> how many parameters are trained."""

    memory: Callable[[Weights, int, int], float]
    """(weights of the base, trained parameters, bytes of a parameter) -> bytes but activations."""

    problems: Callable[[Any, Weights], list[dict[str, str]]]
    """(settings, weights of the base) -> what `check` refuses."""

    merges_into_gguf: bool
    """Whether base and adapter together can become one GGUF file."""

    adapter_in_gguf: bool
    """Whether a GGUF file can carry the adapter alone."""

    learning_rate: float = 1e-4
    """Of a run file that names none."""

    rate_follows_size: bool = True
    """Whether larger bases want a smaller rate."""

    conflicts: Callable[[Any], list[dict[str, str]]] = lambda config: []
    """(config of the run) -> other settings, or the machine, that the method does not go with."""

    trains_base: bool = False
    """Whether the base's own weights change: they are kept in 32 bits, where small steps count, and
    the run has a whole model in place of an adapter.
    """

    stands_before_text: bool = False
    """Whether positions before the text are trained, and no weight: so no rows of new tokens."""

    quantizes: bool = False
    """Whether the frozen base is kept in four bits."""

    @property
    def gguf(self) -> dict[str, bool]:
        """What a publish reads from the run's card."""
        return {"merged": self.merges_into_gguf, "adapter": self.adapter_in_gguf}


LORA = Method(
    name="lora",
    title=("LoRA", "LoRA"),
    section="lora",
    settings=lora.Lora,
    peft_config=lora.peft_config,
    trainable=lora.trainable,
    memory=lora.memory,
    problems=lora.problems,
    merges_into_gguf=True,
    adapter_in_gguf=True,
)
RSLORA = replace(
    LORA,
    name="rslora",
    title=("rsLoRA (rank-stabilized)", "rsLoRA（秩稳定）"),
    peft_config=partial(lora.peft_config, rank_stabilized=True),
)
DORA = replace(
    LORA,
    name="dora",
    title=("DoRA (with magnitudes)", "DoRA（含幅度）"),
    peft_config=partial(lora.peft_config, magnitudes=True),
    trainable=partial(lora.trainable, magnitudes=True),
    adapter_in_gguf=False,  # llama.cpp knows no magnitude vectors
)

QLORA = replace(
    LORA,
    name="qlora",
    title=("QLoRA (base in four bits)", "QLoRA（四位量化基础模型）"),
    memory=quantized.memory,
    conflicts=quantized.conflicts,
    quantizes=True,
)
FULL = Method(
    name="full",
    title=("Full (every weight)", "全参数微调"),
    section="full",
    settings=full.Full,
    peft_config=full.peft_config,
    trainable=full.trainable,
    memory=full.memory,
    problems=full.problems,
    merges_into_gguf=True,
    adapter_in_gguf=False,  # there is none
    learning_rate=1e-5,
    trains_base=True,
)
PTUNING = Method(
    name="ptuning",
    title=("P-Tuning v2", "P-Tuning v2"),
    section="ptuning",
    settings=prompt.PTuning,
    peft_config=prompt.prefix_config,
    trainable=prompt.prefix_trainable,
    memory=prompt.memory,
    problems=prompt.problems,
    merges_into_gguf=False,  # llama.cpp knows no trained positions
    adapter_in_gguf=False,
    learning_rate=2e-2,
    rate_follows_size=False,
    conflicts=prompt.prefix_conflicts,
    stands_before_text=True,
)
PREFIX = replace(
    PTUNING,
    name="prefix",
    title=("Prefix tuning", "前缀微调"),
    section="prefix",
    settings=prompt.Prefix,
    learning_rate=1e-3,
)
PROMPT = replace(
    PTUNING,
    name="prompt",
    title=("Prompt tuning", "提示微调"),
    section="prompt",
    settings=prompt.Prompt,
    peft_config=prompt.prompt_config,
    trainable=prompt.prompt_trainable,
    learning_rate=1e-1,
    conflicts=prompt.conflicts,
)

ROWS = (LORA, RSLORA, DORA, QLORA, FULL, PTUNING, PREFIX, PROMPT)
METHODS: dict[str, Method] = {row.name: row for row in ROWS}
"""Name -> row. A run file without any method's section trains with the first."""


def sharing(section: str) -> list[str]:
    """The names of the methods of a section; the first is its default."""
    return [row.name for row in METHODS.values() if row.section == section]
