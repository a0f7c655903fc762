"""Every family of models on its own tokenizer: a tiny base made on the spot, checked, trained,
merged, published to a real Ollama and proven at f16.

python benchmarks/families.py ["Gemma 3" …]      (`make servers` fetches the tokenizers and Ollama)
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> None:
    from conftest import free_port
    from family_models import FAMILIES
    from install_servers import ollama_binary
    from model_servers import Ollama

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        server = Ollama(str(ollama_binary()), folder, free_port())
        os.environ.update(WORKBENCH_OLLAMA_HOST=server.url, WORKBENCH_TEMPERATURE="0")
        print(
            f"{'family':26} {'identical':>9} {'rendered':>9} {'drift':>8} {'answers':>8} {'s':>6}"
        )
        try:
            for number, name in enumerate(sys.argv[1:] or FAMILIES):
                measure(name, folder / str(number), server.url)
        finally:
            server.kill()


def measure(name: str, folder: Path, url: str) -> None:
    """One line of the table."""
    from family_models import DIALOGUES, prove_family, wrong_answers

    from deploy.ollama_registry import Registry

    (folder / "workspace").mkdir(parents=True)
    os.environ["WORKBENCH_HOME"] = str(folder / "workspace")
    began = time.monotonic()
    proof = prove_family(name, folder, f"family{folder.name}")
    seconds = time.monotonic() - began
    wrong = wrong_answers(Registry(url), f"family{folder.name}")
    right = f"{len(DIALOGUES) - len(wrong)}/{len(DIALOGUES)}"
    print(
        f"{name:26} {proof['identical']:9} {proof['rendered_equal']:9} "
        f"{proof['logprob_change']:8} {right:>8} {seconds:6.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
