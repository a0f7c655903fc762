"""The GPUs of this machine and their peak, without torch: names by the driver's own files."""

from __future__ import annotations

import re
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")
DEVICES = Path("/dev")
UNNAMED = "GPU"

# dense bf16 TFLOP/s as the makers state them; the first that is a word of the GPU's name counts
PEAKS = {
    "H200": 989,
    "H100 NVL": 835,
    "H100 PCIe": 756,
    "H100": 989,
    "H20": 148,
    "A100": 312,
    "A10G": 70,
    "A10": 125,
    "L40S": 362,
    "L40": 181,
    "L4": 121,
    "4090": 165,
    "3090": 71,
    "V100": 112,
    "T4": 65,
}
SLOWER = "Laptop"  # such a GPU has the name of a faster one


def gpu_names() -> list[str]:
    """The name of each GPU; empty on a machine without one."""
    names = [_name(path.read_text()) for path in sorted(DRIVER.glob("*/information"))]
    if names:
        return names
    # a container may have the devices alone
    return [UNNAMED for _ in DEVICES.glob("nvidia[0-9]*")]


def peak_of(name: str) -> float:
    """Operations a second in bf16 that the maker states; 0 for a GPU that is not in the table."""
    if SLOWER in name:
        return 0.0
    for short, teraflops in PEAKS.items():
        if re.search(rf"\b{short}\b", name):
            return teraflops * 1e12
    return 0.0


def _name(information: str) -> str:
    """The line `Model: …` of the driver's description."""
    for line in information.splitlines():
        if "Model" in line:
            return line.partition(":")[2].strip()
    return UNNAMED
