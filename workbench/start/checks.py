"""The checks of `workbench doctor` that concern no other package: the machine and the models."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from workbench.connections import read_connections
from workbench.errors import WorkbenchError
from workbench.models.folders import check_folder
from workbench.models.listing import CONNECT, list_models, packaged_models
from workbench.models.packaged import PACKAGES, TAKEN_BY_AUTO
from workbench.models.servers import OpenAIServer, openai_servers
from workbench.models.trying import models_of
from workbench.private import is_open
from workbench.settings import Settings
from workbench.start.finding import Finding, ask_server, find_libraries
from workbench.start.mending import check_stores

ENOUGH_DISK = 5  # GB free: models and indexes need room


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Python, the libraries of every package, the workspace, memory and GPU."""
    system = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("Python", "ok", system)
    yield from find_libraries("streamlit", "langchain-core", "transformers")
    yield from find_libraries("torch", extra="local")
    yield from _workspace(settings)
    memory = psutil.virtual_memory()
    free = f"{memory.available / 1e9:.0f} of {memory.total / 1e9:.0f} GB free"
    yield Finding("Memory", "ok", free)
    yield _gpu()


def check_models(settings: Settings) -> Iterator[Finding]:
    """The chat models that can be chosen, and each server and folder that is connected."""
    models = list_models(settings)
    packaged = {model.name: model for model in packaged_models()}
    if not models and not TAKEN_BY_AUTO:
        nothing = "none reachable: answers quote the documents"
        yield Finding("Chat models", "missing", nothing, CONNECT)
    for model in models:
        size = f", {model.size / 1e9:.1f} GB" if model.size else ""
        yield Finding("Chat model", "ok", model.name + size)
    for package in PACKAGES.values():
        name = f"packaged:{package.name}"
        if name in packaged:
            detail = f"{name}, {packaged[name].size / 1e9:.1f} GB, small, English"
            yield Finding("Packaged model", "ok", detail)
        else:
            yield Finding("Packaged model", "missing", package.title, package.fix)
    yield _ollama(settings)
    for server in openai_servers(settings):
        yield _server(server)
    for folder in read_connections(settings.home).folders:
        yield _folder(folder)


def _server(server: OpenAIServer) -> Finding:
    what = f"Server {server.name}".strip()
    try:
        names = models_of(server)
    except WorkbenchError as error:
        return Finding(what, "missing", error.problem, error.fix)
    return Finding(what, "ok", f"{len(names)} models at {server.base_url}")


def _folder(folder: str) -> Finding:
    try:
        check_folder(folder)
    except WorkbenchError as error:
        return Finding("Model folder", "missing", error.problem, error.fix)
    return Finding("Model folder", "ok", folder)


def _workspace(settings: Settings) -> Iterator[Finding]:
    try:
        folder = settings.folder()
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except (WorkbenchError, OSError) as error:
        fix = "Set WORKBENCH_HOME to a folder you can write to."
        yield Finding("Workspace", "broken", str(error), fix)
        return
    yield Finding("Workspace", "ok", str(folder))
    yield _privacy(folder)
    yield _disk(folder)
    yield from check_stores(settings)


def _privacy(folder: Path) -> Finding:
    if is_open(folder):
        fix = f"Run: chmod -R go= {folder}, or start the app, which does the same"
        return Finding("Privacy", "missing", "other users of this machine can read it", fix)
    return Finding("Privacy", "ok", "only you can enter the workspace")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 1e9
    detail = f"{free:.0f} GB free"
    if free < ENOUGH_DISK:
        return Finding("Disk", "missing", detail, "Free space: models and indexes need room.")
    return Finding("Disk", "ok", detail)


def _gpu() -> Finding:
    if shutil.which("nvidia-smi"):
        return Finding("GPU", "ok", "NVIDIA")
    if (sys.platform, platform.machine()) == ("darwin", "arm64"):
        return Finding("GPU", "ok", "Apple")
    return Finding("GPU", "missing", "none", "Not needed; tuning is faster with one.")


def _ollama(settings: Settings) -> Finding:
    host = settings.ollama_host
    found = ask_server(f"{host}/api/version")
    if found is None:
        fix = "Start it with `ollama serve`, or set WORKBENCH_OLLAMA_HOST."
        return Finding("Ollama", "missing", f"does not answer at {host}", fix)
    return Finding("Ollama", "ok", f"{found.get('version', 'unknown version')} at {host}")
