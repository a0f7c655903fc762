"""A LoRA adapter's folder -> a GGUF file of its own, by llama.cpp's convert_lora_to_gguf.py.

That script reads one alpha, one rank and tensors as linear layers have them, and exits at anything
else. So it gets a plain copy: each module's own scale (rsLoRA, patterns) is multiplied into its B,
and transposed weights are turned.
"""

from __future__ import annotations

import json
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from deploy.gguf import Conversion, find_llama_cpp, prefer_tree
from deploy.merge import PREFIX, VOCABULARY, Change, Merge
from deploy.tensors import Tensors
from workbench.errors import InvalidInput
from workbench.messages import say

SCRIPT = "convert_lora_to_gguf.py"
MERGE_IT = "Publish it merged: --adapter never."


def check_alone(merge: Merge) -> None:
    """Raises InvalidInput where a GGUF adapter cannot express the adapter."""
    for name, change in merge.changes.items():
        problem = _no_form(name, change)
        if problem:
            raise InvalidInput(problem, MERGE_IT)


def _no_form(name: str, change: Change) -> str:
    """Why a GGUF adapter cannot express the change; empty where it can."""
    if name.endswith(VOCABULARY):
        return say(
            "The adapter changes the embedding or the output head, "
            "which a GGUF adapter cannot hold."
        )
    if "magnitude" in change.parts:
        return say("The adapter is a DoRA, whose magnitudes a GGUF adapter cannot hold.")
    if change.parts.keys() != {"a", "b"}:
        return say(
            "The adapter also holds {name} itself, which a GGUF adapter cannot hold.", name=name
        )
    return ""


def convert_adapter(conversion: Conversion) -> None:
    """Write the adapter alone. Runs in the child of `write_gguf`."""
    tree = find_llama_cpp(conversion.llama_cpp)
    base = Path(conversion.base)
    shapes = Tensors(sorted(base.glob("*.safetensors"))).shapes()
    merge = Merge(Path(conversion.adapter), shapes)
    check_alone(merge)
    _write_plain(merge, conversion.work)
    prefer_tree(tree)
    options = ["--base", str(base), "--outfile", conversion.output, "--outtype", "f32"]
    sys.argv = [SCRIPT, *options, str(conversion.work)]
    try:
        with redirect_stdout(sys.stderr):
            runpy.run_path(str(tree / SCRIPT), run_name="__main__")
    except (SystemExit, AssertionError, ValueError, RuntimeError) as error:
        reason = str(error) or type(error).__name__
        raise InvalidInput(
            say("llama.cpp cannot write this adapter alone: {reason}", reason=reason), MERGE_IT
        ) from error


def _write_plain(merge: Merge, folder: Path) -> None:
    """The adapter as PEFT would write a LoRA of one alpha on linear layers."""
    from safetensors.torch import save_file

    alpha = float(merge.config.get("lora_alpha") or 1)
    tensors: dict[str, Any] = {}
    for name, change in merge.changes.items():
        a, b = merge.low_rank(name)
        # The script scales by alpha / rank; the module's own scale must come out of that.
        b = b * (change.scale * b.shape[1] / alpha)
        if change.transposed:
            a, b = b.T, a.T
        module = PREFIX + name.removesuffix(".weight")
        tensors[f"{module}.lora_A.weight"] = a.contiguous()
        tensors[f"{module}.lora_B.weight"] = b.contiguous()
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}), "utf-8")
