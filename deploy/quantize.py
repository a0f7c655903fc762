"""A GGUF file in f16 -> the same in q4_K_M, by llama.cpp's own llama-quantize."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from workbench.errors import Unavailable
from workbench.files import sha256_of, writing
from workbench.messages import say

PROGRAM = "llama-quantize"


def find_llama_quantize(llama_cpp: str = "") -> Path:
    """The program: built in the given checkout, else on PATH.

    Raises Unavailable where it is missing.
    """
    if llama_cpp:
        tree = Path(llama_cpp).expanduser().absolute()
        for path in (tree / "build" / "bin" / PROGRAM, tree / PROGRAM):
            if os.access(path, os.X_OK):
                return path
    found = shutil.which(PROGRAM)
    if not found:
        raise Unavailable(
            "Without Ollama q4_K_M needs llama-quantize, which is not on PATH.",
            "Install llama.cpp, name its built checkout with --llama-cpp, use --quantize q8_0, "
            "or quantize an f16 file with ollama create -q q4_K_M.",
        )
    return Path(found)


def quantize(program: Path, source: Path, target: Path) -> str:
    """Write the target and return its sha256; nothing is left of it on failure."""
    with writing(target) as part:
        _run([str(program), str(source), str(part), "Q4_K_M"])
    return sha256_of(target)


def _run(command: list[str]) -> None:
    """Run llama-quantize, and end it with us. Raises Unavailable with its last line."""
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    try:
        output, _ = child.communicate()
    finally:
        child.kill()
        child.wait()
    if child.returncode:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        last = lines[-1] if lines else "no reason given"
        raise Unavailable(
            say("llama-quantize failed: {last}", last=last), "Free space, or update llama.cpp."
        )
