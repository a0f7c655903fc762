"""A GGUF file in f16 -> the same in q4_K_M, by llama.cpp's own llama-quantize where this machine has one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from workbench.errors import Unavailable
from workbench.messages import say

PROGRAM = "llama-quantize"


def find_llama_quantize(llama_cpp: str = "") -> Path:
    """The program: built in the checkout that is given, else on PATH. Raises Unavailable where there is none."""
    tree = Path(llama_cpp).expanduser()
    built = [tree / "build" / "bin" / PROGRAM, tree / PROGRAM] if llama_cpp else []
    found = next((path for path in built if os.access(path, os.X_OK)), None) or shutil.which(
        PROGRAM
    )
    if not found:
        raise Unavailable(
            "Without Ollama q4_K_M needs llama-quantize, which is not on PATH.",
            "Install llama.cpp, name its built checkout with --llama-cpp, use --quantize q8_0, or quantize an f16 file "
            "with ollama create -q q4_K_M.",
        )
    return Path(found)


def quantize(program: Path, source: Path, target: Path) -> str:
    """Write the target and return its sha256; nothing is left of it on failure."""
    part = target.with_suffix(".part")
    command = [str(program), str(source), str(part), "Q4_K_M"]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    try:
        told, _ = child.communicate()
        if child.returncode:
            last = next(
                (line.strip() for line in reversed(told.splitlines()) if line.strip()),
                "no reason given",
            )
            raise Unavailable(
                say("llama-quantize failed: {last}", last=last), "Free space, or update llama.cpp."
            )
        part.replace(target)
    finally:
        child.kill()
        child.wait()
        part.unlink(missing_ok=True)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
