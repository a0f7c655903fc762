"""What a run file asks of this machine, its GPUs and its libraries -> what is missing. No torch."""

from __future__ import annotations

from importlib.util import find_spec

from finetune.methods import METHODS
from finetune.parallel import Parallel, row_of
from finetune.run.config import RunConfig
from finetune.run.gpus import gpu_names
from finetune.section import problem
from workbench.extras import how_to_install
from workbench.messages import say

FLASH = "flash_attn"
Problems = list[dict[str, str]]


def machine_problems(config: RunConfig, gpus: int | None = None) -> Problems:
    """What `check` and `train` refuse. `gpus` is how many there are, else this machine's."""
    if gpus is None:
        gpus = len(gpu_names())
    found = []
    row = row_of(config)
    if row:
        found += _parallel_problems(row, gpus) or _method_problems(row, config.method)
    return found + _speed_problems(config, gpus)


def _parallel_problems(row: Parallel, gpus: int) -> Problems:
    where = "training.parallel"
    if row.not_on_a_processor and not gpus:
        fix = say('Set parallel = "ddp" here, or train where there are GPUs.')
        return [problem(where, row.not_on_a_processor, fix)]
    if row.library and find_spec(row.library) is None:
        return [_not_installed(where, row.library, row.library)]
    return []


def _method_problems(row: Parallel, name: str) -> Problems:
    """Methods whose weights cannot be cut into a part for each process."""
    method = METHODS[name]
    if row.whole or not (method.quantizes or method.stands_before_text):
        return []
    what = say("{parallel} cannot share the weights of {method}", parallel=row.name, method=name)
    return [problem("training.parallel", what, say('Set parallel = "ddp".'))]


def _speed_problems(config: RunConfig, gpus: int) -> Problems:
    """Kernels and compilation, which are made for GPUs."""
    training = config.training
    asked = {
        "training.liger": training.liger,
        "training.compile": training.compile,
        "training.attention": training.attention == "flash",
    }
    found = []
    for where, wanted in asked.items():
        if wanted and not gpus:
            what = say("it makes a training faster on a GPU only, and this machine has none")
            found.append(problem(where, what, say("Delete that line here.")))
    if found:
        return found
    if training.liger and find_spec("liger_kernel") is None:
        found.append(_not_installed("training.liger", "liger_kernel", "liger"))
    if training.attention == "flash" and find_spec(FLASH) is None:
        found.append(_no_flash())
    return found


def _not_installed(where: str, library: str, extra: str) -> dict[str, str]:
    what = say("the library {library} is not installed", library=library)
    return problem(where, what, how_to_install(extra))


def _no_flash() -> dict[str, str]:
    what = say("the library {library} is not installed", library=FLASH)
    fix = say(
        'Install flash-attn for this machine\'s torch and CUDA, or set attention = "auto": '
        "PyTorch's own kernels need nothing."
    )
    return problem("training.attention", what, fix)
