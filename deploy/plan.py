"""An order -> everything that follows from it: the run, the Modelfile, the end tokens, the file, and how it is proven."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.artefact import Artefact, find_artefact
from deploy.gguf import Conversion, write_gguf
from deploy.modelfile import Modelfile
from deploy.ollama_registry import Registry, check_name
from deploy.order import ADAPTER, PRECISIONS, Order
from deploy.proof import TOKENS, Proof, choose_talks, prove
from deploy.template import Format, find_ends, read_format, render
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.settings import Settings

BYTES = {
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 1.07,
    "q4_K_M": 2.6,
}  # of a weight in the file; q4_K_M is made from f16, which lies beside it until then


@dataclass(frozen=True)
class Plan:
    """An order with all that follows from it. Two plans with the same key make the same model."""

    order: Order
    artefact: Artefact
    modelfile: Modelfile
    ends: dict[int, str]
    format: Format | None = field(repr=False)
    on: tuple[str, str] | None = (
        None  # (model in Ollama, sha256 of its weights) that the adapter stands on; else merged
    )
    merged_because: str = ""

    @cached_property
    def key(self) -> str:
        told = [self.artefact.digests, self.order.precision, self.order.pre, self.modelfile.text()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def check_room(self, folder: Path) -> None:
        """Raises Unavailable where the disk has no room for the file."""
        size = (
            self.artefact.adapter_size * 2
            if self.on
            else self.artefact.weight * BYTES[self.order.precision] * 1.05
        )
        free = shutil.disk_usage(folder).free
        if free < size:
            raise Unavailable(
                say(
                    "The GGUF file needs {size:.1f} GB, the disk of {folder} has {free:.1f} GB free.",
                    size=size / 1000000000.0,
                    folder=folder,
                    free=free / 1000000000.0,
                ),
                "Free space, set WORKBENCH_HOME to a larger disk, or publish with --quantize q8_0.",
            )

    def write(self, path: Path, report: Callable[[int, int], None]) -> str:
        """Write the GGUF file, of the adapter alone where it stands on a base, and return its sha256."""
        artefact, precision = self.artefact, self.order.precision
        conversion = Conversion(
            str(artefact.base),
            str(artefact.adapter or ""),
            str(artefact.words),
            str(path),
            "f16" if precision == "q4_K_M" else precision,
            self.order.name,
            self.format.starts_with_bos if self.format else None,
            self.order.pre,
            self.order.llama_cpp,
            bool(self.on),
        )
        return write_gguf(conversion, report)

    def weights(self, sha256: str) -> dict[str, Any]:
        """What Ollama's create makes the model of; the file that was written has that sha256."""
        if self.on:
            return {
                "files": {"model.gguf": f"sha256:{self.on[1]}"},
                "adapters": {"adapter.gguf": f"sha256:{sha256}"},
            }
        quantize = {"quantize": "q4_K_M"} if self.order.precision == "q4_K_M" else {}
        return {"files": {"model.gguf": f"sha256:{sha256}"}, **quantize}

    def prove(self, registry: Registry, tag: str, report: Callable[[int, int], None]) -> Proof:
        """Compare the Ollama model of that tag with the run."""
        artefact, system = self.artefact, self.modelfile.system
        context = int(self.modelfile.parameters.get("num_ctx", 4096))

        def fits(talk: list[dict[str, Any]]) -> bool:
            whole = (
                [{"role": "system", "content": system}, *talk]
                if system and talk[0]["role"] != "system"
                else talk
            )
            return (
                len(artefact.tokenizer.encode(render(artefact.tokenizer, whole))) + TOKENS
                <= context
            )

        talks = choose_talks(artefact.held_out, self.order.prompts, fits)
        if self.format and self.format.strips:
            talks = [
                [{**turn, "content": turn["content"].strip()} for turn in talk] for talk in talks
            ]
        return prove(
            registry,
            tag,
            artefact.folder,
            self.ends,
            system,
            self.order.precision,
            talks,
            context,
            report,
        )


def make_plan(order: Order, settings: Settings) -> Plan:
    """Look at the run and settle the Modelfile. Raises what `find_artefact` and `read_format` raise."""
    check_name(order.name)
    if order.adapter not in ADAPTER:
        raise InvalidInput(
            say("{adapter} is no choice for the adapter.", adapter=order.adapter),
            say("Use one of {adapter}.", adapter=", ".join(ADAPTER)),
        )
    if order.precision not in PRECISIONS:
        raise InvalidInput(
            say("{precision} is no precision.", precision=order.precision),
            say("Use one of {precisions}.", precisions=", ".join(PRECISIONS)),
        )
    artefact = find_artefact(order.run, settings)
    written = order.modelfile
    form = (
        read_format(artefact.tokenizer)
        if written is None or artefact.tokenizer.chat_template
        else None
    )
    ends = find_ends(artefact.tokenizer, form, artefact.ends)
    if written is None:
        assert form
        system = artefact.card.get("system") or "" if order.system is None else order.system
        context = min(settings.context_tokens, artefact.context or settings.context_tokens)
        numbers = {"temperature": settings.temperature, "num_ctx": context}
        written = Modelfile(form.ollama(), tuple(ends.values()), system, numbers)
    return Plan(order, artefact, written, ends, form)
