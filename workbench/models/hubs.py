"""A model on the Hugging Face hub or ModelScope -> its folder on this disk.

Names: `Qwen/Qwen3-0.6B` for the hub, `modelscope:Qwen/Qwen3-0.6B` for ModelScope. Downloads go on
where they stopped.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatch
from pathlib import Path

from workbench.confined import check_may_change
from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.extras import require
from workbench.files import locked
from workbench.messages import say
from workbench.models.failures import no_space
from workbench.models.fetching import RemoteFile, fetch_files
from workbench.models.ollama import Report
from workbench.settings import Settings

MODELSCOPE = "modelscope:"
NAME = re.compile(r"[\w.-]+/[\w.-]+")
# of all formats only what is read here: no pickles, no weights for other programs
FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
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
    check_may_change(settings)
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
    with locked(part):
        files, headers = _files_of(name)
        with _maps_errors_of(name):
            fetch_files(name, files, part, headers, report)
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


def snapshot(name: str, cache: Path) -> Path:
    """The folder of a model in the hub's own cache, or in ModelScope's `cache`.

    It is downloaded where it is missing. Raises NotFound, Unavailable, WorkbenchError for a full
    disk.
    """
    if not name.startswith(MODELSCOPE):
        return hub_snapshot(name)
    with _maps_errors_of(name):
        modelscope = require("modelscope", "modelscope", "A model from ModelScope")
        repository = name.removeprefix(MODELSCOPE)
        folder = modelscope.snapshot_download(
            repository, allow_patterns=FILES, cache_dir=str(cache)
        )
    return Path(folder)


def hub_snapshot(name: str) -> Path:
    """The folder of a model in the Hugging Face hub's own cache; raises as `snapshot` does."""
    from huggingface_hub import snapshot_download

    with _maps_hub_errors(name):
        return Path(snapshot_download(name, allow_patterns=FILES))


def _files_of(name: str) -> tuple[list[RemoteFile], dict[str, str]]:
    """The files of the model that are read here, and what a request for one carries."""
    with _maps_errors_of(name):
        if name.startswith(MODELSCOPE):
            files, headers = _modelscope_files(name.removeprefix(MODELSCOPE))
        else:
            files, headers = _hub_files(name)
    wanted = [file for file in files if any(fnmatch(file.path, pattern) for pattern in FILES)]
    return wanted, headers


def _hub_files(name: str) -> tuple[list[RemoteFile], dict[str, str]]:
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    facts = HfApi().model_info(name, files_metadata=True)
    files = [
        RemoteFile(
            path=file.rfilename,
            size=file.size or 0,
            url=hf_hub_url(name, file.rfilename, revision=facts.sha),
            version=file.blob_id or str(facts.sha),
            sha256=file.lfs.sha256 if file.lfs else "",
        )
        for file in facts.siblings or []
    ]
    return files, build_hf_headers()


def _modelscope_files(name: str) -> tuple[list[RemoteFile], dict[str, str]]:
    modelscope = require("modelscope", "modelscope", "A model from ModelScope")
    from modelscope.hub.file_download import get_file_download_url

    found = modelscope.HubApi().get_model_files(name, recursive=True)
    files = [
        RemoteFile(
            path=file["Path"],
            size=file.get("Size") or 0,
            url=get_file_download_url(name, file["Path"], file.get("Revision") or "master"),
            version=file.get("Sha256") or file.get("Revision") or "",
            sha256=file.get("Sha256") or "",
        )
        for file in found
        if file.get("Type") != "tree"
    ]
    return files, {}


def _maps_errors_of(name: str) -> AbstractContextManager[None]:
    if name.startswith(MODELSCOPE):
        require("modelscope", "modelscope", "A model from ModelScope")
        return _maps_modelscope_errors(name)
    return _maps_hub_errors(name)


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
            say(
                "Where the hub cannot be reached: use modelscope:{name}, or download the model "
                "elsewhere and give its folder.",
                name=name,
            ),
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
            ELSEWHERE,
        ) from error


def _failed(error: Exception, name: str, problem: str, fix: str) -> WorkbenchError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(name)
    return Unavailable(problem, fix)
