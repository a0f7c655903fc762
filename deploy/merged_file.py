"""A run or a workspace model -> one GGUF file, as a publish writes it."""

from __future__ import annotations

from pathlib import Path

from deploy.artefact import find_artefact
from deploy.gguf import Conversion, write_gguf
from workbench.settings import Settings


def write_merged_gguf(name: str, settings: Settings, file: Path) -> None:
    """Write the model of that name, merged with its base, in 16 bits.

    Raises what `find_artefact` and `write_gguf` raise.
    """
    artefact = find_artefact(name, settings)
    conversion = Conversion(
        base=str(artefact.base),
        adapter=str(artefact.adapter or ""),
        words=str(artefact.words),
        output=str(file),
        precision="f16",
        name=name,
    )
    write_gguf(conversion, lambda done, of: None)
