"""An order -> everything that follows from it: the run, the Modelfile, the end tokens, the file,
and how it is proven.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.artefact import Artefact, find_artefact
from deploy.conversations import choose_talks
from deploy.gguf import Conversion, write_gguf
from deploy.modelfile import Modelfile
from deploy.ollama_registry import Registry, check_name
from deploy.order import ADAPTER, AS_PACKAGED, PRECISIONS, Order
from deploy.proof import TOKENS, Proof, Published, prove, with_system
from deploy.template import Format, Turn, find_ends, opens_with_bos, read_format, render
from workbench.errors import InvalidInput, Unavailable
from workbench.extras import check_extra
from workbench.files import sha256_of, writing
from workbench.messages import say
from workbench.settings import Settings

LIBRARIES = ("gguf", "sentencepiece", "safetensors")  # of the extra `publish`
# Bytes of one weight in the file. q4_K_M is made from f16, which lies beside it until then.
BYTES = {"f16": 2.0, "bf16": 2.0, "q8_0": 1.07, "q4_K_M": 2.6, "q4_1": 0.63}
SPARE = 1.05  # tokenizer, metadata and alignment come on top of the weights


@dataclass(frozen=True)
class Plan:
    """An order with all that follows from it. Two plans with the same key make the same model."""

    order: Order
    artefact: Artefact
    modelfile: Modelfile
    ends: dict[int, str]
    format: Format | None = field(repr=False)
    on: tuple[str, str] | None = None
    """(model in Ollama, sha256 of its weights) under an adapter that is published alone; None:
    merged.
    """
    merged_because: str = ""

    @property
    def starts_with_bos(self) -> bool:
        """Whether the server puts the begin-of-text token before every prompt."""
        if self.format:
            return self.format.starts_with_bos
        return opens_with_bos(self.artefact.tokenizer)

    @property
    def makes_vocabulary(self) -> bool:
        """Whether the tokens are written again: not for an adapter alone, or a packaged file."""
        return self.on is None and self.order.precision != AS_PACKAGED

    @cached_property
    def key(self) -> str:
        """What identifies the model that this plan makes."""
        facts = [
            self.artefact.digests,
            self.order.precision,
            self.order.pre,
            self.modelfile.text(),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def size(self) -> float:
        """About how many bytes the GGUF file takes."""
        if self.on:
            return self.artefact.adapter_size * 2
        return self.artefact.weight * BYTES[self.order.precision] * SPARE

    def check_room(self, folder: Path) -> None:
        """Raises Unavailable where the disk has no room for the file."""
        free = shutil.disk_usage(folder).free
        if free < self.size:
            raise Unavailable(
                say(
                    "The GGUF file needs {size:.1f} GB, "
                    "the disk of {folder} has {free:.1f} GB free.",
                    size=self.size / 1e9,
                    folder=folder,
                    free=free / 1e9,
                ),
                "Free space, set WORKBENCH_HOME to a larger disk, or publish with --quantize q8_0.",
            )

    def write(self, path: Path, report: Callable[[int, int], None], pre: str = "") -> str:
        """Write the GGUF file, or that of the adapter alone; returns its sha256.

        `pre` is the pre-tokenizer's name where the order names none.
        """
        artefact = self.artefact
        precision = self.order.precision
        if precision == AS_PACKAGED and not self.on:
            return self._copy_packaged(path)
        conversion = Conversion(
            base=str(artefact.base),
            adapter=str(artefact.adapter or ""),
            words=str(artefact.words),
            output=str(path),
            precision="f16" if precision in ("q4_K_M", AS_PACKAGED) else precision,
            name=self.order.name,
            starts_with_bos=self.starts_with_bos,
            pre=self.order.pre or pre,
            llama_cpp=self.order.llama_cpp,
            alone=bool(self.on),
        )
        return write_gguf(conversion, report)

    def _copy_packaged(self, path: Path) -> str:
        """The file that a package carries, as it is. Raises InvalidInput for another model."""
        packaged = self.artefact.packaged
        if packaged is None:
            raise InvalidInput(
                say(
                    "{precision} is the form of a packaged model's own file, which cannot be made "
                    "of {name}.",
                    precision=AS_PACKAGED,
                    name=self.artefact.name,
                ),
                "Publish with --quantize f16, q8_0 or q4_K_M; or only the adapter, once its "
                "packaged base is published as q4_1.",
            )
        with writing(path) as part:
            shutil.copyfile(packaged, part)
        return sha256_of(path)

    def weights(self, sha256: str) -> dict[str, Any]:
        """The fields of Ollama's create that name the weights; `sha256` is that of the written
        file.
        """
        if self.on:
            return {
                "files": {"model.gguf": f"sha256:{self.on[1]}"},
                "adapters": {"adapter.gguf": f"sha256:{sha256}"},
            }
        fields: dict[str, Any] = {"files": {"model.gguf": f"sha256:{sha256}"}}
        if self.order.precision == "q4_K_M":
            fields["quantize"] = "q4_K_M"
        return fields

    def prove(self, registry: Registry, tag: str, report: Callable[[int, int], None]) -> Proof:
        """Compare the Ollama model of that tag with the run."""
        context = int(self.modelfile.parameters.get("num_ctx", 4096))
        talks = choose_talks(
            self.artefact.held_out, self.order.prompts, lambda talk: self._fits(talk, context)
        )
        if self.format and self.format.strips:
            talks = [_stripped(talk) for talk in talks]
        published = Published(
            registry, tag, self.modelfile.system, context, self.starts_with_bos, self.format
        )
        return prove(
            published, self.artefact.folder, self.ends, self.order.precision, talks, report
        )

    def _fits(self, talk: list[Turn], context: int) -> bool:
        """Whether conversation and answer fit the context: Ollama cuts what does not, without a
        word.
        """
        whole = with_system(talk, self.modelfile.system)
        tokenizer = self.artefact.tokenizer
        return len(tokenizer.encode(render(tokenizer, whole))) + TOKENS <= context


def _stripped(talk: list[Turn]) -> list[Turn]:
    return [{**turn, "content": turn["content"].strip()} for turn in talk]


def make_plan(order: Order, settings: Settings) -> Plan:
    """Look at the run and settle the Modelfile.

    Raises what `find_artefact` and `read_format` raise.
    """
    check_extra("publish", LIBRARIES, say("Publishing"))
    check_name(order.name)
    _check_choice(order.adapter, ADAPTER)
    _check_choice(order.precision, PRECISIONS)
    artefact = find_artefact(order.run, settings)
    form = _read_format(order, artefact)
    ends = find_ends(artefact.tokenizer, form, artefact.ends)
    modelfile = order.modelfile
    if modelfile is None:
        assert form
        modelfile = _derive_modelfile(order, artefact, form, ends, settings)
    return Plan(order, artefact, modelfile, ends, form)


def _read_format(order: Order, artefact: Artefact) -> Format | None:
    """The template's format; None where a person's own Modelfile stands in for it."""
    try:
        return read_format(artefact.tokenizer)
    except InvalidInput:
        if order.modelfile is None:
            raise
        return None


def _check_choice(choice: str, choices: Sequence[str]) -> None:
    if choice not in choices:
        raise InvalidInput(
            say("{choice} is not one of the choices.", choice=choice),
            say("Use one of {choices}.", choices=", ".join(choices)),
        )


def _derive_modelfile(
    order: Order, artefact: Artefact, form: Format, ends: dict[int, str], settings: Settings
) -> Modelfile:
    """The Modelfile that the model's own template, stops and system prompt make."""
    system = order.system
    if system is None:
        system = artefact.card.get("system") or ""
    context = min(settings.context_tokens, artefact.context or settings.context_tokens)
    parameters = {"temperature": settings.temperature, "num_ctx": context}
    return Modelfile(form.ollama(), tuple(ends.values()), system, parameters)
