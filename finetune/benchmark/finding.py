"""The name of a model -> how it is asked, what identifies it, and what it was taught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from finetune.benchmark.model import Model
from finetune.benchmark.served_model import find_served
from finetune.evaluate.generation import load_trained
from finetune.run.runs import Run, check_base, find_run
from workbench.artefacts.model_folder import (
    context_of,
    digest_of,
    find_local,
    load_tokenizer,
    tokenizer_folder,
)
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.models.packaged import KIND, resolve_base
from workbench.settings import Settings

SERVERS = ("ollama", "openai")


def find_model(name: str, base: bool, settings: Settings) -> Model:
    """The model that a person means: a run, a folder, `packaged:NAME`, or one of a server.

    With `base` the base of the run alone. Raises NotFound, Conflict for a base that has changed,
    InvalidInput.
    """
    kind, _, rest = name.partition(":")
    if kind in SERVERS:
        if base:
            raise _no_base(name)
        return find_served(name, settings)
    run = _run_of(rest if kind == "local" else name, settings)
    if run:
        return _base_of(run) if base else _of_run(run)
    if base:
        raise _no_base(name)
    folder = Path(resolve_base(name, settings))
    if kind != KIND:
        folder = find_local(rest if kind == "local" else name, settings)
    return _of_folder(name.removeprefix("local:"), folder)


def _run_of(name: str, settings: Settings) -> Run | None:
    try:
        return find_run(name, settings)
    except NotFound:
        return None


def _of_run(run: Run) -> Model:
    check_base(run)
    talks = run.talks and _has_template(run.trained)
    digest = digest_of(run.trained)
    ask = partial(_loaded, run, False)
    return Model(run.name, f"{digest}{run.base_digest}", talks, ask, run, run, run.system)


def _base_of(run: Run) -> Model:
    """The base as it was before the run: its figures count for every run on it."""
    check_base(run)
    base = run.base
    name = str(run.card.get("base") or base)
    talks = run.talks and _has_template(base)
    return Model(name, digest_of(base), talks, partial(_loaded, run, True), system=run.system)


def _of_folder(name: str, folder: Path) -> Model:
    return Model(name, digest_of(folder), _has_template(folder), partial(_in_folder, folder))


def _has_template(folder: Path) -> bool:
    return bool(load_tokenizer(tokenizer_folder(folder)).chat_template)


@contextmanager
def _loaded(run: Run, base: bool, batch: int, chat: bool) -> Iterator[Any]:
    from finetune.benchmark.local_model import ask_loaded

    loaded = load_trained(run, base)
    context = context_of(run.base if base else run.trained)
    with loaded.base.lock:
        yield ask_loaded(loaded, batch, chat, context)


@contextmanager
def _in_folder(folder: Path, batch: int, chat: bool) -> Iterator[Any]:
    from finetune.benchmark.local_model import ask_loaded
    from workbench.models.weights import load_local

    loaded = load_local(folder)
    with loaded.base.lock:
        yield ask_loaded(loaded, batch, chat, context_of(folder))


def _no_base(name: str) -> InvalidInput:
    return InvalidInput(
        say("{name} is no run, so it has no base of its own.", name=name),
        "Name the base itself, or a run together with --base.",
    )
