"""Run -> checked, converted, uploaded, created, proven and promoted: one Ollama model, or nothing
at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.adapter_base import choose_form
from deploy.candidate import Candidate, Report, discard, report_step
from deploy.modelfile import read_modelfile
from deploy.ollama_registry import Registry, check_name
from deploy.order import Order
from deploy.plan import Plan, make_plan
from deploy.quantize import find_llama_quantize, quantize
from deploy.versions import Version, publishing
from workbench.confined import check_admin, check_may_change
from workbench.errors import Conflict, InvalidInput, Stopped, WorkbenchError
from workbench.files import write_json, write_text
from workbench.messages import say
from workbench.settings import Settings


def publish(
    order: Order, settings: Settings, report: Report, registry: Registry | None = None
) -> Version:
    """Publish and return the version; `report` gets a progress event per step.

    A failure leaves nothing behind. With `keeps_candidate` it leaves what a retry can use.
    `registry` is for tests; by default it is the one of the settings.
    """
    check_may_change(settings)
    if order.llama_cpp:
        check_admin(settings)
    registry = registry or Registry(settings.ollama_host)
    report_step(report, "check")
    registry.check()
    plan = make_plan(order, settings)
    with publishing(settings, order.name) as home:
        plan = choose_form(plan, registry, settings)
        try:
            return _carry_out(Candidate(plan, registry, home, report), settings)
        except InvalidInput as error:
            if not plan.on or order.adapter != "auto":
                raise
            # The adapter alone did not pass its proof, and nobody asked for that form.
            merged = replace(plan, on=None, merged_because=error.problem)
            return _carry_out(Candidate(merged, registry, home, report), settings)


def _carry_out(candidate: Candidate, settings: Settings) -> Version:
    """Every step, from where an earlier run of the same plan ended."""
    published = candidate.find_published(settings)
    if published:
        return candidate.finish(published)
    try:
        candidate.report_form()
        candidate.open()
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
    """Prove a published version again, against the run it was made from.

    The new proof replaces the old one.
    """
    card = version.card
    modelfile = read_modelfile((version.folder / "Modelfile").read_text("utf-8"))
    order = Order(
        run=card["run"],
        name=version.name,
        precision=card["precision"],
        modelfile=modelfile,
        prompts=prompts,
    )
    version.registry.check()
    plan = make_plan(order, settings)
    if plan.artefact.digests != card["digests"]:
        raise Conflict(
            say(
                "{run} has changed since {tag} was made from it.", run=card["run"], tag=version.tag
            ),
            "Publish it again.",
        )
    proof = plan.prove(version.registry, version.tag, _share_of(report, "prove"))
    write_json(version.folder / "proof.json", proof.report())
    return proof.summary()


@dataclass(frozen=True)
class Files:
    """The files of `--gguf-only`."""

    gguf: Path
    modelfile: Path
    sha256: str = ""


def write_files(order: Order, settings: Settings, folder: Path, report: Report) -> Files:
    """The GGUF file and its Modelfile in a folder, without Ollama.

    Raises Conflict where one of them exists.
    """
    report_step(report, "check")
    if order.adapter == "always" or order.on:
        raise InvalidInput(
            "--gguf-only writes base and adapter merged.", "Leave out --adapter and --from."
        )
    quantizer = find_llama_quantize(order.llama_cpp) if order.precision == "q4_K_M" else None
    plan = make_plan(order, settings)
    files = Files(folder / "model.gguf", folder / "Modelfile")
    if files.gguf.exists() or files.modelfile.exists():
        raise Conflict(say("{folder} has a model already.", folder=folder), "Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        sha256 = _write_gguf(plan, files.gguf, quantizer, report)
        write_text(files.modelfile, plan.modelfile.text())
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
    return replace(files, sha256=sha256)


def _write_gguf(plan: Plan, path: Path, quantizer: Path | None, report: Report) -> str:
    """Write the file, through f16 where llama-quantize makes it; returns its sha256."""
    plan.check_room(path.parent)
    wide = path.with_name("model.f16.gguf") if quantizer else path
    sha256 = plan.write(wide, _share_of(report, "convert"))
    if not quantizer:
        return sha256
    try:
        report_step(report, "convert", status="llama-quantize")
        return quantize(quantizer, wide, path)
    finally:
        wide.unlink(missing_ok=True)


def discard_candidate(name: str, settings: Settings) -> None:
    """Clear away the candidate that a failed publish kept for a retry, here and in Ollama."""
    registry = Registry(settings.ollama_host)
    with publishing(settings, check_name(name)) as home:
        discard(registry, name, home)


def _share_of(report: Report, step: str) -> Callable[[int, int], None]:
    return lambda done, of: report_step(report, step, done, of)
