"""Run -> checked, converted, uploaded, created, proven and promoted: one Ollama model, or nothing at all.

Every step looks first whether it was already done, so a publish that was killed at any point is simply run again. Until
it is promoted the model is a candidate: `deploy/NAME/candidate/` here and `NAME:candidate` in Ollama.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from deploy.artefact import Artefact, find_artefact
from deploy.gguf import Conversion, write_gguf
from deploy.modelfile import Modelfile, read_modelfile
from deploy.ollama_registry import Registry, check_name
from deploy.proof import PROMPTS, TOKENS, Proof, choose_talks, prove
from deploy.template import Format, find_ends, read_format, render
from deploy.versions import Version, list_versions, promote, writing
from workbench.errors import Conflict, InvalidInput, Unavailable, WorkbenchError
from workbench.settings import Settings

PRECISIONS = ("f16", "bf16", "q8_0", "q4_K_M")
BYTES = {
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 1.07,
    "q4_K_M": 2.0,
}  # a weight in the file; q4_K_M is made from f16 by Ollama
STEPS = ("check", "convert", "upload", "create", "prove", "promote")
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Order:
    """What a person asks for; empty fields are chosen from the run."""

    run: str
    name: str
    precision: str = "f16"
    system: str | None = None  # None: the run's own
    modelfile: Modelfile | None = None
    pre: str = ""
    llama_cpp: str = ""
    prompts: int = PROMPTS
    keeps_candidate: bool = False  # after a failure, so that a retry goes on from there


@dataclass(frozen=True)
class Plan:
    """An order with all that follows from it. Two plans with the same key make the same model."""

    order: Order
    artefact: Artefact
    modelfile: Modelfile
    ends: dict[int, str]
    format: Format | None = field(repr=False)

    @cached_property
    def key(self) -> str:
        told = [self.artefact.digests, self.order.precision, self.order.pre, self.modelfile.text()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def check_room(self, folder: Path) -> None:
        """Raises Unavailable where the disk has no room for the file."""
        size, free = self.artefact.weight * BYTES[self.order.precision] * 1.05, shutil.disk_usage(folder).free
        if free < size:
            raise Unavailable(
                f"The GGUF file needs {size / 1e9:.1f} GB, the disk of {folder} has {free / 1e9:.1f} GB free.",
                "Free space, set WORKBENCH_HOME to a larger disk, or publish with --quantize q8_0.",
            )

    def write(self, path: Path, report: Callable[[int, int], None]) -> str:
        """Write the GGUF file and return its sha256."""
        artefact, precision = self.artefact, self.order.precision
        conversion = Conversion(
            str(artefact.base), str(artefact.adapter or ""), str(artefact.words), str(path),
            "f16" if precision == "q4_K_M" else precision, self.order.name,
            self.format.starts_with_bos if self.format else None, self.order.pre, self.order.llama_cpp,
        )  # fmt: skip
        return write_gguf(conversion, report)


def make_plan(order: Order, settings: Settings) -> Plan:
    """Look at the run and settle the Modelfile. Raises what `find_artefact` and `read_format` raise."""
    check_name(order.name)
    if order.precision not in PRECISIONS:
        raise InvalidInput(f"{order.precision} is no precision.", f"Use one of {', '.join(PRECISIONS)}.")
    artefact = find_artefact(order.run, settings)
    written = order.modelfile
    form = read_format(artefact.tokenizer) if written is None or artefact.tokenizer.chat_template else None
    ends = find_ends(artefact.tokenizer, form, artefact.ends)
    if written is None:
        assert form
        system = artefact.card.get("system_prompt") or "" if order.system is None else order.system
        context = min(settings.context_tokens, artefact.context or settings.context_tokens)
        numbers = {"temperature": settings.temperature, "num_ctx": context}
        written = Modelfile(form.ollama(), tuple(ends.values()), system, numbers)
    return Plan(order, artefact, written, ends, form)


def publish(order: Order, settings: Settings, report: Report, registry: Registry | None = None) -> Version:
    """Publish and return the version; `report` gets a progress event per step. A failure leaves nothing behind, but
    with `keeps_candidate` what a retry can use. `registry` is for tests; else it is that of the settings."""
    registry = registry or Registry(settings.ollama_host)
    _tell(report, "check")
    registry.check()
    plan = make_plan(order, settings)
    with writing(settings, order.name) as home:
        candidate = Candidate(plan, registry, home, report)
        if published := candidate.find_published(settings):
            return candidate.finish(published)
        try:
            candidate.open()
            with maps_full_disk():
                candidate.convert()
            candidate.upload()
            candidate.create()
            candidate.prove()
            return candidate.promote()
        except WorkbenchError:
            if not order.keeps_candidate:
                candidate.discard()
            raise


class Candidate:
    """One model on its way. Its folder holds `plan.json`, then `model.gguf`, `proof.json` and `card.json`."""

    def __init__(self, plan: Plan, registry: Registry, home: Path, report: Report) -> None:
        self.plan, self.registry, self.home, self.report = plan, registry, home, report
        self.name = plan.order.name
        self.folder = home / "candidate"
        self.gguf = self.folder / "model.gguf"
        self.tag = f"{self.name}:candidate"

    def find_published(self, settings: Settings) -> Version | None:
        """The version that was made by the same plan and is still in Ollama. Raises Conflict where the name is not ours."""
        there = self.registry.digests()
        versions = list_versions(settings, self.name)
        own = {self.tag, f"{self.name}:v{self._noted().get('number')}"}
        foreign = [tag for tag in there if tag.partition(":")[0] == self.name and tag not in own]
        if foreign and not versions:
            raise Conflict(f"Ollama has another model {foreign[0]}.", "Choose another --name.")
        same = (v for v in versions if v.card["key"] == self.plan.key and v.card["host"] == self.registry.host)
        return next((version for version in same if version.tag in there), None)

    def open(self) -> None:
        """Go on with what an earlier run of the same plan has left; clear away what another plan has."""
        if self._noted().get("key") != self.plan.key:
            self.discard()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._note({"key": self.plan.key})
        if not self.gguf.exists():
            self.plan.check_room(self.folder)

    def convert(self) -> None:
        _tell(self.report, "convert")
        if "sha256" in self._noted() and self.gguf.exists():
            return
        sha256 = self.plan.write(self.gguf, partial(_tell, self.report, "convert"))
        self._note({"key": self.plan.key, "sha256": sha256})

    def upload(self) -> None:
        _tell(self.report, "upload")
        self.registry.push(self.gguf, self.sha256, partial(_tell, self.report, "upload"))

    def create(self) -> None:
        """Make `NAME:candidate`; it is made again if it is there, which costs nothing where nothing changed."""
        _tell(self.report, "create")
        fields = self.plan.modelfile.fields() | {"files": {"model.gguf": f"sha256:{self.sha256}"}}
        if self.plan.order.precision == "q4_K_M":
            fields["quantize"] = "q4_K_M"
        self.registry.create(self.tag, fields, lambda status: _tell(self.report, "create", status=status))

    def prove(self) -> None:
        _tell(self.report, "prove")
        proof = run_proof(self.plan, self.registry, self.tag, partial(_tell, self.report, "prove"))
        write_json(self.folder / "proof.json", proof.report())
        if not proof.passed:
            raise InvalidInput(
                f"The published model is not the trained one. {proof.reason}",
                {
                    "template": "Correct the Modelfile's TEMPLATE, or publish with the one derived from the model.",
                    "tokenizer": "Let the pre-tokenizer be found, or name another with --pre-tokenizer.",
                    "stop": "Give the Modelfile every end token of the model as PARAMETER stop.",
                }.get(proof.reason.partition(":")[0], "Publish with a higher precision: --quantize f16."),
            )

    def promote(self) -> Version:
        """The candidate becomes the next version and `:latest`; from the renaming of its folder on it is published."""
        _tell(self.report, "promote")
        number = max([int(path.parent.name[1:]) for path in self.home.glob("v*/card.json")], default=0) + 1
        card = self._card()
        self._note(self._noted() | {"number": number})
        write_json(self.folder / "card.json", card)
        (self.folder / "Modelfile").write_text(self.plan.modelfile.text(), "utf-8")
        self.registry.copy(self.tag, f"{self.name}:v{number}")
        self.folder.rename(self.home / f"v{number}")
        return self.finish(Version(self.name, number, self.home / f"v{number}", card))

    def finish(self, version: Version) -> Version:
        """What is left to do once a version is published; `plan.json` goes last, so that a killed publish shows."""
        note = version.folder / "plan.json"
        if note.exists():
            promote(version, self.registry)
            if self.plan.order.precision == "q4_K_M":
                self.registry.drop_blob(version.card["gguf_sha256"])
            (version.folder / "model.gguf").unlink(missing_ok=True)
            self.registry.delete(self.tag)
            note.unlink()
        elif self.folder.exists():
            self.discard()
        return version

    def discard(self) -> None:
        """Leave nothing of the candidate, here or in Ollama; where Ollama is gone, it clears away at its next start."""
        note = self._noted()
        try:
            self.registry.delete(self.tag)
            if "number" in note:
                self.registry.delete(f"{self.name}:v{note['number']}")
            if "sha256" in note:
                self.registry.drop_blob(note["sha256"])
        except Unavailable:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.home.exists() and not any(self.home.iterdir()):
            self.home.rmdir()

    @property
    def sha256(self) -> str:
        return self._noted()["sha256"]

    def _card(self) -> dict[str, Any]:
        """Where the model comes from and what was proven of it."""
        artefact, proof = self.plan.artefact, json.loads((self.folder / "proof.json").read_text("utf-8"))
        return {
            "run": self.plan.order.run, "base": str(artefact.base), "digests": artefact.digests,
            "data_sha256": artefact.card.get("data_sha256"), "precision": self.plan.order.precision,
            "gguf_sha256": self.sha256, "host": self.registry.host, "ollama": self.registry.check(),
            "proof": {name: proof[name] for name in proof if name not in ("checks", "words")},
            "key": self.plan.key, "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }  # fmt: skip

    def _noted(self) -> dict[str, Any]:
        path = self.folder / "plan.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def _note(self, data: dict[str, Any]) -> None:
        if data.items() - self._noted().items():  # else a note of more is kept
            write_json(self.folder / "plan.json", data)


def run_proof(plan: Plan, registry: Registry, tag: str, report: Callable[[int, int], None]) -> Proof:
    """Compare the Ollama model of that tag with the run."""
    artefact, system = plan.artefact, plan.modelfile.system
    context = int(plan.modelfile.parameters.get("num_ctx", 4096))

    def fits(talk: list[dict[str, Any]]) -> bool:
        whole = [{"role": "system", "content": system}, *talk] if system and talk[0]["role"] != "system" else talk
        return len(artefact.tokenizer.encode(render(artefact.tokenizer, whole))) + TOKENS <= context

    talks = choose_talks(artefact.held_out, plan.order.prompts, fits)
    if plan.format and plan.format.strips:
        talks = [[{**turn, "content": turn["content"].strip()} for turn in talk] for talk in talks]
    return prove(
        registry, tag, artefact.folder, plan.ends, system, plan.order.precision, talks, context, report
    )  # fmt: skip


def verify_version(version: Version, settings: Settings, prompts: int, report: Report) -> dict[str, Any]:
    """Prove a published version again, against the run it was made from; the new proof replaces the kept one."""
    card = version.card
    written = read_modelfile((version.folder / "Modelfile").read_text("utf-8"))
    order = Order(card["run"], version.name, card["precision"], modelfile=written, prompts=prompts)
    version.registry.check()
    plan = make_plan(order, settings)
    if plan.artefact.digests != card["digests"]:
        raise Conflict(f"{card['run']} is not what {version.tag} was made from any more.", "Publish it again.")
    tell = partial(_tell, report, "prove")
    proof = run_proof(plan, version.registry, version.tag, tell)
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
    _tell(report, "check")
    if order.precision == "q4_K_M":
        raise InvalidInput("Only Ollama itself makes q4_K_M.", "Use --quantize q8_0, or quantize in ollama create -q.")
    plan = make_plan(order, settings)
    files = Files(folder / "model.gguf", folder / "Modelfile", "")
    if files.gguf.exists() or files.modelfile.exists():
        raise Conflict(f"{folder} holds a model already.", "Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    plan.check_room(folder)
    with maps_full_disk():
        sha256 = plan.write(files.gguf, partial(_tell, report, "convert"))
        files.modelfile.write_text(plan.modelfile.text(), "utf-8")
    return replace(files, sha256=sha256)


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")
    part.replace(path)


@contextmanager
def maps_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unavailable(
            "The workspace's disk became full while the GGUF file was written; it was removed.",
            "Free space, or set WORKBENCH_HOME to a larger disk.",
        ) from error


def _tell(report: Report, step: str, done: int = 0, of: int = 0, status: str = "") -> None:
    event: dict[str, Any] = {"event": "progress", "step": step, "number": STEPS.index(step) + 1, "steps": len(STEPS)}
    report(event | ({"done": done, "of": of} if of else {}) | ({"status": status} if status else {}))
