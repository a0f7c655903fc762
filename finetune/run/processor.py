"""What this machine's processor can do: whether it multiplies bf16 itself, and how fast it trains.

Linux says it in /proc/cpuinfo; elsewhere the slower case is taken.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BF16 = {"avx512_bf16", "amx_bf16", "bf16"}  # as x86 and ARM call it
AVX512 = "avx512f"
# below so many parameters a step is bookkeeping, which bf16 makes no faster
WORTH_BF16 = 1e8

# operations a second that a training reaches on one core, measured with 2.6 M parameters on AVX2
# and with 135 M on AVX-512
FP32_CORE = 30e9
FP32_CORE_AVX512 = 60e9
BF16_CORE = 100e9
# bf16 on a processor without its instructions is slower than fp32
EMULATED_BF16_CORE = 10e9


def cpu_precision(wanted: str, parameters: int) -> str:
    """As the run file says; `auto` is bf16 where processor and size make it faster, else fp32."""
    if wanted != "auto":
        return wanted
    return "bf16" if has_bf16() and parameters >= WORTH_BF16 else "fp32"


def has_bf16() -> bool:
    """Whether the processor has instructions for bf16."""
    return bool(BF16 & _flags())


def speed(precision: str) -> float:
    """Operations a second that a training in this precision reaches on all cores."""
    if precision == "bf16":
        core = BF16_CORE if has_bf16() else EMULATED_BF16_CORE
    else:
        core = FP32_CORE_AVX512 if AVX512 in _flags() else FP32_CORE
    return core * (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _flags() -> frozenset[str]:
    try:
        text = CPUINFO.read_text("utf-8")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):  # x86's name, and ARM's
            return frozenset(flags.split())
    return frozenset()
