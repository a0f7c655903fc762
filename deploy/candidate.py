"""A planned model on its way into Ollama: converted, uploaded, created, proven, promoted, or
cleared away.

Every step first looks whether it is already done, so a publish that was killed at any point is
simply run again. Until it is promoted the model is `deploy/NAME/candidate/` here and
`NAME:candidate` in Ollama.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry
from deploy.order import PLAN, STAGES
from deploy.plan import Plan
from deploy.probe import choose_pretokenizer
from deploy.proof import Proof
from deploy.versions import Version, list_versions, promote
from workbench.errors import Conflict, InvalidInput, Unavailable
from workbench.files import read_json, write_json, write_text
from workbench.messages import say, with_messages
from workbench.settings import Settings

Report = Callable[[dict[str, Any]], None]

# What differs -> what to do about it; weights that differ depend on the precision.
FIXES = {
    "template": "Correct the Modelfile's TEMPLATE, or publish with the one derived from the model.",
    "tokenizer": "Let the pre-tokenizer be found, or name another with --pre-tokenizer.",
    "stop": "Give the Modelfile every end token of the model as PARAMETER stop.",
}
FINER_F16 = "Try --quantize bf16, which very large weights need, or a newer --llama-cpp."
FINER = "Publish with a higher precision: --quantize f16."


class Candidate:
    """One model on its way. Its folder has `plan.json`, then `model.gguf`, `proof.json` and
    `card.json`.

    `plan.json` is its note: the plan's key, then the sha256 of the weights, then the version's
    number.
    """

    def __init__(self, plan: Plan, registry: Registry, home: Path, report: Report) -> None:
        self.plan = plan
        self.registry = registry
        self.home = home
        self.report = report
        self.name = plan.order.name
        self.folder = home / "candidate"
        self.gguf = self.folder / "model.gguf"
        self.tag = f"{self.name}:candidate"

    def find_published(self, settings: Settings) -> Version | None:
        """The version that the same plan made, if Ollama still has it.

        Raises Conflict where Ollama has a model of that name that is not ours.
        """
        in_ollama = self.registry.digests()
        versions = list_versions(settings, self.name)
        own = {self.tag, f"{self.name}:v{self._note().get('number')}"}
        for tag in in_ollama:
            name = tag.partition(":")[0]
            if name == self.name and tag not in own and not versions:
                raise Conflict(
                    say("Ollama has another model {tag}.", tag=tag), "Choose another --name."
                )
        for version in versions:
            same_plan = version.card["key"] == self.plan.key
            same_host = version.card["host"] == self.registry.host
            if same_plan and same_host and version.tag in in_ollama and self._has_form(version):
                return version
        return None

    def _has_form(self, version: Version) -> bool:
        """Whether the version is merged, or stands on that base, as this one; any form will do
        where none was asked.
        """
        order = self.plan.order
        if order.adapter == "auto" and not order.on:
            return True
        on = version.card.get("adapter_on")
        return (tuple(on) if on else None) == self.plan.on

    def report_form(self) -> None:
        """Say whether base and adapter are merged, and why."""
        if self.plan.on:
            base = self.plan.on[0]
            status = say("The adapter alone: its base is in Ollama as {base}.", base=base)
            self._report("check", status=status)
        elif self.plan.merged_because:
            because = self.plan.merged_because
            status = say("Base and adapter merged. {because}", because=because)
            self._report("check", status=status)

    def open(self) -> None:
        """Go on with an earlier candidate of the same plan; clear away another plan's."""
        note = self._note()
        if (note.get("key"), note.get("on")) != (self.plan.key, self._on):
            self.discard()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._add_to_note({"key": self.plan.key, "on": self._on})
        if not self.gguf.exists():
            self.plan.check_room(self.folder)

    def convert(self) -> None:
        """Write the GGUF file."""
        self._report("convert")
        if "sha256" in self._note() and self.gguf.exists():
            return
        pre = ""
        if self.plan.makes_vocabulary:
            pre = choose_pretokenizer(self.plan.artefact.tokenizer, self.registry)
        sha256 = self.plan.write(self.gguf, self._share_of("convert"), pre)
        self._add_to_note({"sha256": sha256})

    def upload(self) -> None:
        """Send the file to Ollama, unless it is known there."""
        self._report("upload")
        self.registry.push(self.gguf, self.sha256, self._share_of("upload"))

    def create(self) -> None:
        """Make `NAME:candidate`. Making it again costs nothing where nothing changed."""
        self._report("create")
        fields = self.plan.modelfile.fields() | self.plan.weights(self.sha256)
        self.registry.create(self.tag, fields, lambda status: self._report("create", status=status))

    def prove(self) -> None:
        """Compare it with the run. Raises InvalidInput where they part."""
        self._report("prove")
        proof = self.plan.prove(self.registry, self.tag, self._share_of("prove"))
        write_json(self.folder / "proof.json", proof.report())
        if proof.passed:
            return
        if self.plan.on:
            raise InvalidInput(
                say(
                    "The adapter on {base} is not the trained model. {reason}",
                    base=self.plan.on[0],
                    reason=proof.reason,
                ),
                "Publish it merged: --adapter never.",
            )
        raise InvalidInput(
            say("The published model is not the trained one. {reason}", reason=proof.reason),
            self._fix(proof),
        )

    def _fix(self, proof: Proof) -> str:
        part = proof.worst.part if proof.worst else ""
        if part in FIXES:
            return FIXES[part]
        return FINER_F16 if self.plan.order.precision == "f16" else FINER

    def promote(self) -> Version:
        """Make the candidate the next version and `:latest`.

        The renaming of its folder publishes it.
        """
        self._report("promote")
        numbers = [int(card.parent.name[1:]) for card in self.home.glob("v*/card.json")]
        number = max(numbers, default=0) + 1
        card = self._card()
        self._add_to_note({"number": number})
        write_json(self.folder / "card.json", with_messages(card))
        write_text(self.folder / "Modelfile", self._modelfile_text())
        self.registry.copy(self.tag, f"{self.name}:v{number}")
        self.folder.rename(self.home / f"v{number}")
        return self.finish(Version(self.name, number, self.home / f"v{number}", card))

    def finish(self, version: Version) -> Version:
        """The rest of a publish once its version exists.

        `plan.json` goes last, so that a killed publish shows.
        """
        note = version.folder / "plan.json"
        if note.exists():
            promote(version, self.registry)
            if self.plan.order.precision == "q4_K_M" and not version.card.get("adapter_on"):
                # Ollama quantized the f16 file that was uploaded, and keeps that one too.
                self.registry.drop_blob(version.card["gguf_sha256"])
            (version.folder / "model.gguf").unlink(missing_ok=True)
            self.registry.delete(self.tag)
            note.unlink()
        elif self.folder.exists():
            self.discard()
        return version

    def discard(self) -> None:
        """Leave nothing of it, here or in Ollama."""
        discard(self.registry, self.name, self.home)

    @property
    def _on(self) -> str:
        """sha256 of the weights under the adapter; empty where it is merged."""
        return self.plan.on[1] if self.plan.on else ""

    @property
    def sha256(self) -> str:
        """Of the GGUF file."""
        return self._note()["sha256"]

    def _modelfile_text(self) -> str:
        if self.plan.on:
            return self.plan.modelfile.text(self.plan.on[0], "./adapter.gguf")
        return self.plan.modelfile.text("./model.gguf")

    def _card(self) -> dict[str, Any]:
        """Where the model comes from, and the summary of its proof."""
        artefact = self.plan.artefact
        proof = read_json(self.folder / "proof.json")
        for name in ("checks", "words"):
            proof.pop(name)
        return {
            "run": self.plan.order.run,
            "base": str(artefact.base),
            "digests": artefact.digests,
            "data_sha256": artefact.data_sha256,
            "precision": self.plan.order.precision,
            "gguf_sha256": self.sha256,
            "gguf_bytes": self.gguf.stat().st_size,
            "adapter_on": self.plan.on,
            "merged_because": self.plan.merged_because,
            "host": self.registry.host,
            "ollama": self.registry.check(),
            "proof": proof,
            "key": self.plan.key,
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }

    def _note(self) -> dict[str, Any]:
        return read_note(self.folder)

    def _add_to_note(self, facts: dict[str, Any]) -> None:
        note = self._note()
        if note | facts != note:
            write_json(self.folder / "plan.json", note | facts)

    def _report(self, step: str, status: str = "") -> None:
        report_step(self.report, step, status=status)

    def _share_of(self, step: str) -> Callable[[int, int], None]:
        """A function that reports how much of the step is done."""
        return lambda done, of: report_step(self.report, step, done, of)


def discard(registry: Registry, name: str, home: Path) -> None:
    """Leave nothing of a candidate, here or in Ollama.

    An Ollama that is gone clears it away at its next start.
    """
    folder = home / "candidate"
    note = read_note(folder)
    try:
        registry.delete(f"{name}:candidate")
        if "number" in note:
            registry.delete(f"{name}:v{note['number']}")
        if "sha256" in note:
            registry.drop_blob(note["sha256"])
    except Unavailable:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    if home.exists() and not any(home.iterdir()):
        home.rmdir()


def read_note(folder: Path) -> dict[str, Any]:
    """A candidate's note; empty before it has one."""
    return read_json(folder / "plan.json", {})


def report_step(report: Report, step: str, done: int = 0, of: int = 0, status: str = "") -> None:
    """One progress event: the step, its place among all of them, and the share done of it."""
    event: dict[str, Any] = {
        "event": "progress",
        "stage": STAGES[step],
        "step": step,
        **PLAN.place(STAGES[step]),
    }
    if of:
        event |= {"done": 0, "of": 1, "share": round(done / of, 4)}
    if status:
        event["status"] = status
    report(event)
