"""A planned model on its way into Ollama: converted, uploaded, created, proven, promoted, or cleared away.

Every step looks first whether it was already done, so one that was killed at any point is simply run again. Until it is
promoted the model is `deploy/NAME/candidate/` here and `NAME:candidate` in Ollama.
"""

from __future__ import annotations

import errno
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry
from deploy.order import STAGES, STEPS
from deploy.plan import Plan
from deploy.versions import Version, list_versions, promote, write_json
from workbench.errors import Conflict, InvalidInput, Unavailable
from workbench.messages import say
from workbench.settings import Settings

Report = Callable[[dict[str, Any]], None]


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
            raise Conflict(
                say("Ollama has another model {foreign}.", foreign=foreign[0]),
                "Choose another --name.",
            )
        same = (
            v
            for v in versions
            if v.card["key"] == self.plan.key and v.card["host"] == self.registry.host
        )
        return next(
            (version for version in same if version.tag in there and self._is_form(version)), None
        )

    def _is_form(self, version: Version) -> bool:
        """Whether merged or on that base, as this one; where neither was asked for the form does not matter."""
        order, on = self.plan.order, version.card.get("adapter_on")
        free = order.adapter == "auto" and not order.on
        return free or (tuple(on) if on else None) == self.plan.on

    def tell_form(self) -> None:
        """Say whether base and adapter are merged, and why."""
        if self.plan.on:
            tell_step(
                self.report,
                "check",
                status=f"The adapter alone: its base is in Ollama as {self.plan.on[0]}.",
            )
        elif self.plan.merged_because:
            tell_step(
                self.report, "check", status=f"Base and adapter merged. {self.plan.merged_because}"
            )

    def open(self) -> None:
        """Go on with what an earlier run of the same plan has left; clear away what another plan has."""
        if (self._noted().get("key"), self._noted().get("on")) != (self.plan.key, self._on):
            self.discard()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._note({"key": self.plan.key, "on": self._on})
        if not self.gguf.exists():
            self.plan.check_room(self.folder)

    def convert(self) -> None:
        tell_step(self.report, "convert")
        if "sha256" in self._noted() and self.gguf.exists():
            return
        sha256 = self.plan.write(self.gguf, partial(tell_step, self.report, "convert"))
        self._note(self._noted() | {"sha256": sha256})

    def upload(self) -> None:
        tell_step(self.report, "upload")
        self.registry.push(self.gguf, self.sha256, partial(tell_step, self.report, "upload"))

    def create(self) -> None:
        """Make `NAME:candidate`; it is made again if it is there, which costs nothing where nothing changed."""
        tell_step(self.report, "create")
        fields = self.plan.modelfile.fields() | self.plan.weights(self.sha256)
        self.registry.create(
            self.tag, fields, lambda status: tell_step(self.report, "create", status=status)
        )

    def prove(self) -> None:
        tell_step(self.report, "prove")
        proof = self.plan.prove(self.registry, self.tag, partial(tell_step, self.report, "prove"))
        write_json(self.folder / "proof.json", proof.report())
        if not proof.passed and self.plan.on:
            raise InvalidInput(
                say(
                    "The adapter on {on} is not the trained model. {reason}",
                    on=self.plan.on[0],
                    reason=proof.reason,
                ),
                "Publish it merged: --adapter never.",
            )
        if not proof.passed:
            finer = (
                "Try --quantize bf16, which very large weights need, or a newer --llama-cpp."
                if self.plan.order.precision == "f16"
                else "Publish with a higher precision: --quantize f16."
            )
            raise InvalidInput(
                say("The published model is not the trained one. {reason}", reason=proof.reason),
                {
                    "template": "Correct the Modelfile's TEMPLATE, or publish with the one derived from the model.",
                    "tokenizer": "Let the pre-tokenizer be found, or name another with --pre-tokenizer.",
                    "stop": "Give the Modelfile every end token of the model as PARAMETER stop.",
                }.get(proof.reason.partition(":")[0], finer),
            )

    def promote(self) -> Version:
        """The candidate becomes the next version and `:latest`; from the renaming of its folder on it is published."""
        tell_step(self.report, "promote")
        number = (
            max([int(path.parent.name[1:]) for path in self.home.glob("v*/card.json")], default=0)
            + 1
        )
        card = self._card()
        self._note(self._noted() | {"number": number})
        write_json(self.folder / "card.json", card)
        parts = (self.plan.on[0], "./adapter.gguf") if self.plan.on else ("./model.gguf",)
        (self.folder / "Modelfile").write_text(self.plan.modelfile.text(*parts), "utf-8")
        self.registry.copy(self.tag, f"{self.name}:v{number}")
        self.folder.rename(self.home / f"v{number}")
        return self.finish(Version(self.name, number, self.home / f"v{number}", card))

    def finish(self, version: Version) -> Version:
        """What is left to do once a version is published; `plan.json` goes last, so that a killed publish shows."""
        note = version.folder / "plan.json"
        if note.exists():
            promote(version, self.registry)
            if self.plan.order.precision == "q4_K_M" and not version.card.get("adapter_on"):
                self.registry.drop_blob(version.card["gguf_sha256"])
            (version.folder / "model.gguf").unlink(missing_ok=True)
            self.registry.delete(self.tag)
            note.unlink()
        elif self.folder.exists():
            self.discard()
        return version

    def discard(self) -> None:
        discard(self.registry, self.name, self.home)

    @property
    def _on(self) -> str:
        """The weights that the adapter stands on; nothing where it is merged."""
        return self.plan.on[1] if self.plan.on else ""

    @property
    def sha256(self) -> str:
        return self._noted()["sha256"]

    def _card(self) -> dict[str, Any]:
        """Where the model comes from and what was proven of it."""
        artefact, proof = (
            self.plan.artefact,
            json.loads((self.folder / "proof.json").read_text("utf-8")),
        )
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
            "proof": {name: proof[name] for name in proof if name not in ("checks", "words")},
            "key": self.plan.key,
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }

    def _noted(self) -> dict[str, Any]:
        return read_note(self.folder)

    def _note(self, data: dict[str, Any]) -> None:
        if data.items() - self._noted().items():  # else a note of more is kept
            write_json(self.folder / "plan.json", data)


def discard(registry: Registry, name: str, home: Path) -> None:
    """Leave nothing of a candidate, here or in Ollama; where Ollama is gone, it clears away at its next start."""
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
    """What a candidate knows of itself: its plan's key, then its weights' sha256, then its version's number."""
    path = folder / "plan.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


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


def tell_step(report: Report, step: str, done: int = 0, of: int = 0, status: str = "") -> None:
    """`done` of `of` steps are done, and `share` of this one."""
    event: dict[str, Any] = {
        "event": "progress",
        "stage": STAGES[step],
        "step": step,
        "done": STEPS.index(step),
        "of": len(STEPS),
    }
    report(
        event
        | ({"share": round(done / of, 4)} if of else {})
        | ({"status": status} if status else {})
    )
