"""Run -> checked, converted, uploaded, created, proven and promoted: one Ollama model, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from deploy.adapter_base import choose_form
from deploy.candidate import Candidate, Report, discard, maps_full_disk, tell_step
from deploy.modelfile import read_modelfile
from deploy.ollama_registry import Registry, check_name
from deploy.order import Order
from deploy.plan import make_plan
from deploy.quantize import find_llama_quantize, quantize
from deploy.versions import Version, write_json, writing
from workbench.errors import Conflict, InvalidInput, Stopped, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings


def publish(
    order: Order, settings: Settings, report: Report, registry: Registry | None = None
) -> Version:
    """Publish and return the version; `report` gets a progress event per step. A failure leaves nothing behind, but
    with `keeps_candidate` what a retry can use. `registry` is for tests; else it is that of the settings."""
    registry = registry or Registry(settings.ollama_host)
    tell_step(report, "check")
    registry.check()
    plan = make_plan(order, settings)
    with writing(settings, order.name) as home:
        plan = choose_form(plan, registry, settings)
        try:
            return _carry_out(Candidate(plan, registry, home, report), settings)
        except InvalidInput as error:
            if not plan.on or order.adapter != "auto":
                raise
            merged = replace(plan, on=None, merged_because=error.problem)
            return _carry_out(Candidate(merged, registry, home, report), settings)


def _carry_out(candidate: Candidate, settings: Settings) -> Version:
    """Every step, from where an earlier run of the same plan has ended."""
    if published := candidate.find_published(settings):
        return candidate.finish(published)
    try:
        candidate.tell_form()
        candidate.open()
        with maps_full_disk():
            candidate.convert()
        candidate.upload()
        candidate.create()
        candidate.prove()
        return candidate.promote()
    except WorkbenchError as error:
        if not candidate.plan.order.keeps_candidate or isinstance(error, Stopped):
            candidate.discard()
        raise


def verify_version(
    version: Version, settings: Settings, prompts: int, report: Report
) -> dict[str, Any]:
    """Prove a published version again, against the run it was made from; the new proof replaces the kept one."""
    card = version.card
    written = read_modelfile((version.folder / "Modelfile").read_text("utf-8"))
    order = Order(card["run"], version.name, card["precision"], modelfile=written, prompts=prompts)
    version.registry.check()
    plan = make_plan(order, settings)
    if plan.artefact.digests != card["digests"]:
        raise Conflict(
            say(
                "{run} is not what {tag} was made from any more.", run=card["run"], tag=version.tag
            ),
            "Publish it again.",
        )
    tell = partial(tell_step, report, "prove")
    proof = plan.prove(version.registry, version.tag, tell)
    write_json(version.folder / "proof.json", proof.report())
    return proof.summary()


@dataclass(frozen=True)
class Files:
    """What `--gguf-only` has written."""

    gguf: Path
    modelfile: Path
    sha256: str


def write_files(order: Order, settings: Settings, folder: Path, report: Report) -> Files:
    """The GGUF file and its Modelfile in a folder, without Ollama. Raises Conflict where they are there already."""
    tell_step(report, "check")
    if order.adapter == "always" or order.on:
        raise InvalidInput(
            "--gguf-only writes base and adapter merged.", "Leave out --adapter and --from."
        )
    program = find_llama_quantize(order.llama_cpp) if order.precision == "q4_K_M" else None
    plan = make_plan(order, settings)
    files = Files(folder / "model.gguf", folder / "Modelfile", "")
    if files.gguf.exists() or files.modelfile.exists():
        raise Conflict(
            say("{folder} holds a model already.", folder=folder), "Name another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    plan.check_room(folder)
    wide = folder / "model.f16.gguf" if program else files.gguf
    try:
        with maps_full_disk():
            sha256 = plan.write(wide, partial(tell_step, report, "convert"))
            if program:
                tell_step(report, "convert", status="llama-quantize")
                sha256 = quantize(program, wide, files.gguf)
            files.modelfile.write_text(plan.modelfile.text(), "utf-8")
    finally:
        if program:
            wide.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    return replace(files, sha256=sha256)


def discard_candidate(name: str, settings: Settings) -> None:
    """Clear away what a failed publish has kept for a retry, here and in Ollama."""
    registry = Registry(settings.ollama_host)
    with writing(settings, check_name(name)) as home:
        discard(registry, name, home)
