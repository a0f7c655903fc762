"""A model on the Hugging Face hub or ModelScope -> its folder on this disk.

Names: `Qwen/Qwen3-0.6B` for the hub, `modelscope:Qwen/Qwen3-0.6B` for ModelScope. Downloads go on
where they stopped.
"""

from __future__ import annotations

import errno
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.extras import require
from workbench.files import locked, remove
from workbench.messages import say
from workbench.models.failures import no_space
from workbench.models.ollama import DOWNLOADING, MEGABYTE, Report
from workbench.settings import Settings

MODELSCOPE = "modelscope:"
NAME = re.compile(r"[\w.-]+/[\w.-]+")
# of all formats only what is read here: no pickles, no weights for other programs
FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
LOOKS_EVERY = 0.5  # seconds between two looks at how much has arrived
ROOM = 200e6  # bytes that stay free for everything else
ELSEWHERE = say(
    "Give the folder of a model on this disk, or take it from the other hub: "
    "NAME/MODEL or modelscope:NAME/MODEL."
)


def is_hub_name(name: str) -> bool:
    """Whether it names a model on a hub; `hf.co/…` and names with a tag are Ollama's."""
    if name.startswith(MODELSCOPE):
        return True
    return bool(NAME.fullmatch(name))


def download(name: str, settings: Settings, report: Report) -> str:
    """Download a model into the workspace; returns our name of it, `local:MODEL`.

    Until it is whole it lies in `downloads/`, where a later download takes it up again. Raises
    InvalidInput, NotFound, Conflict where the workspace has another model of that name,
    Unavailable where the hub does not answer, WorkbenchError for a full disk.
    """
    short = name.rpartition("/")[2]
    if not is_hub_name(name) or not short.strip("."):
        raise InvalidInput(
            say("{name!r} is no model's name and no folder.", name=name),
            "Name it as its hub does, such as Qwen/Qwen3-0.6B or modelscope:Qwen/Qwen3-0.6B.",
        )
    folder = settings.folder("models") / short
    if folder.exists():
        raise Conflict(
            say("The workspace has a model {name} already.", name=short),
            say("Choose local:{name}, or delete it first.", name=short),
        )
    part = half_downloaded(name, settings)
    with locked(part), _watched(name, part, report):
        snapshot(name, part)
        remove(part / ".cache")  # the libraries' own notes
        part.replace(folder)
    return f"local:{short}"


def half_downloaded(name: str, settings: Settings) -> Path:
    """Where what has arrived of that model waits for the rest."""
    return settings.folder("downloads") / name.replace(":", "--").replace("/", "--")


def list_half_downloaded(settings: Settings) -> dict[str, Path]:
    """Name on its hub -> folder, of the downloads that were broken off."""
    folders = [path for path in (settings.home / "downloads").glob("*--*") if path.is_dir()]
    names = {}
    for folder in sorted(folders):
        *hub, owner, model = folder.name.split("--", 2)
        kind = f"{hub[0]}:" if hub else ""
        names[f"{kind}{owner}/{model}"] = folder
    return names


def snapshot(name: str, folder: Path | None = None, cache: Path | None = None) -> Path:
    """The folder of a model on a hub, downloaded where it is missing.

    It goes to `folder`; without one to ModelScope's `cache`, or to the hub's own cache. Raises
    NotFound, Unavailable, WorkbenchError for a full disk.
    """
    if name.startswith(MODELSCOPE):
        return _from_modelscope(name, folder, cache)
    return _from_hub(name, folder)


def _from_hub(name: str, folder: Path | None) -> Path:
    from huggingface_hub import snapshot_download

    with _maps_hub_errors(name):
        return Path(snapshot_download(name, local_dir=folder, allow_patterns=FILES))


def _from_modelscope(name: str, folder: Path | None, cache: Path | None) -> Path:
    modelscope = require("modelscope", "modelscope", "A model from ModelScope")
    where = {"local_dir": str(folder)} if folder else {"cache_dir": str(cache)}
    repository = name.removeprefix(MODELSCOPE)
    with _maps_modelscope_errors(name):
        return Path(modelscope.snapshot_download(repository, allow_patterns=FILES, **where))


@contextmanager
def _watched(name: str, folder: Path, report: Report) -> Iterator[None]:
    """Report how much of the download lies in the folder; checks that the disk has room."""
    total = _size_of(name)
    there = _bytes_in(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if total - there > shutil.disk_usage(folder).free - ROOM:
        raise no_space(name)
    ended = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        while not ended.wait(LOOKS_EVERY):
            report(_progress(_bytes_in(folder), total, time.monotonic() - began))

    report(_progress(there, total, 0))
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    report(_progress(total, total, time.monotonic() - began))


def _progress(done: float, of: float, seconds: float) -> dict[str, Any]:
    return {
        "event": "progress",
        "stage": DOWNLOADING,
        "done": round(min(done, of) / MEGABYTE, 1),
        "of": round(of / MEGABYTE, 1),
        "seconds": round(seconds, 1),
    }


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # moved to its place in this moment
            continue
    return total


def _size_of(name: str) -> int:
    """Bytes of the files that will be downloaded. Raises what `snapshot` raises."""
    if name.startswith(MODELSCOPE):
        modelscope = require("modelscope", "modelscope", "A model from ModelScope")
        repository = name.removeprefix(MODELSCOPE)
        with _maps_modelscope_errors(name):
            found = modelscope.HubApi().get_model_files(repository, recursive=True)
        sizes = {file["Path"]: file.get("Size") or 0 for file in found}
    else:
        from huggingface_hub import HfApi

        with _maps_hub_errors(name):
            facts = HfApi().model_info(name, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in facts.siblings or []}
    wanted = [path for path in sizes if any(fnmatch(path, pattern) for pattern in FILES)]
    return sum(sizes[path] for path in wanted)


@contextmanager
def _maps_hub_errors(name: str) -> Iterator[None]:
    import httpx
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise NotFound(
            say("{name!r} is no model's name and no folder.", name=name), ELSEWHERE
        ) from error
    except errors.GatedRepoError as error:
        raise Unavailable(
            say("{name} is given out only to who has agreed to its terms.", name=name),
            "Agree to them on its page on the hub and export your token as HF_TOKEN.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise NotFound(
            say("The Hugging Face hub has no model {name}.", name=name),
            "Correct the name; for a private model export your token as HF_TOKEN.",
        ) from error
    except (errors.HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise _failed(
            error,
            name,
            say("The model {name} cannot be downloaded from the Hugging Face hub.", name=name),
        ) from error


@contextmanager
def _maps_modelscope_errors(name: str) -> Iterator[None]:
    from modelscope.hub.errors import HubError, NotExistError

    try:
        yield
    except NotExistError as error:
        raise NotFound(say("ModelScope has no model {name}.", name=name), ELSEWHERE) from error
    except (HubError, OSError, ValueError, RuntimeError) as error:
        raise _failed(
            error,
            name,
            say("{name} cannot be downloaded from ModelScope: {error}", name=name, error=error),
        ) from error


def _failed(error: Exception, name: str, problem: str) -> WorkbenchError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(name)
    return Unavailable(problem, ELSEWHERE)
