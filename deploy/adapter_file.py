"""A LoRA adapter's folder -> a GGUF file of its own, by llama.cpp's convert_lora_to_gguf.py; and whether it has that form.

That script knows one alpha and one rank, reads tensors as linear layers hold them, and ends at all else. So it is given
a plain copy: each module's own scale (rsLoRA, patterns) is multiplied into its B, and what lies transposed is turned.
"""

from __future__ import annotations

import json
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from deploy.gguf import Conversion, find_llama_cpp
from deploy.merge import PREFIX, VOCABULARY, Merge
from deploy.tensors import Tensors
from workbench.errors import InvalidInput
from workbench.messages import say

SCRIPT = "convert_lora_to_gguf.py"


def check_alone(merge: Merge) -> None:
    """Raises InvalidInput with what of the adapter has no form in a GGUF adapter."""
    for name, change in merge.changes.items():
        if name.endswith(VOCABULARY):
            problem = "The adapter changes the embedding or the output head, which a GGUF adapter cannot hold."
        elif "magnitude" in change.parts:
            problem = "The adapter is a DoRA, whose magnitudes a GGUF adapter cannot hold."
        elif change.parts.keys() != {"a", "b"}:
            problem = f"The adapter also holds {name} itself, which a GGUF adapter cannot hold."
        else:
            continue
        raise InvalidInput(problem, "Publish it merged: --adapter never.")


def convert_adapter(conversion: Conversion) -> None:
    """Write the adapter alone; runs in the child of `write_gguf`."""
    tree, base = find_llama_cpp(conversion.llama_cpp), Path(conversion.base)
    merge = Merge(Path(conversion.adapter), Tensors(sorted(base.glob("*.safetensors"))).shapes())
    check_alone(merge)
    _write_plain(merge, conversion.work)
    sys.path[:0] = [
        str(tree),
        str(tree / "gguf-py"),
    ]  # before the installed gguf; only in this process
    sys.argv = [
        SCRIPT,
        "--base",
        str(base),
        "--outfile",
        conversion.output,
        "--outtype",
        "f32",
        str(conversion.work),
    ]
    try:
        with redirect_stdout(sys.stderr):
            runpy.run_path(str(tree / SCRIPT), run_name="__main__")
    except (SystemExit, NotImplementedError, AssertionError, ValueError, RuntimeError) as error:
        raise InvalidInput(
            say(
                "llama.cpp cannot write this adapter alone: {value}",
                value=error or type(error).__name__,
            ),
            "Publish it merged: --adapter never.",
        ) from error


def _write_plain(merge: Merge, folder: Path) -> None:
    """The adapter as PEFT would write a LoRA of one alpha on linear layers."""
    from safetensors.torch import save_file

    alpha = float(merge.config.get("lora_alpha") or 1)
    tensors: dict[str, Any] = {}
    for name, change in merge.changes.items():
        a, b = merge.low_rank(name)
        b = b * (change.scale * b.shape[1] / alpha)
        if change.transposed:
            a, b = b.T, a.T
        module = PREFIX + name.removesuffix(".weight")
        tensors |= {
            f"{module}.lora_A.weight": a.contiguous(),
            f"{module}.lora_B.weight": b.contiguous(),
        }
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}), "utf-8")
