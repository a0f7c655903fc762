"""Where C-Eval and CMMLU come from: a folder, an archive, the hub, or ModelScope."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.benchmark.suites import Suite
from workbench.artefacts.model_folder import first_line
from workbench.confined import check_name
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import require
from workbench.files import made_once, sha256_of
from workbench.messages import say
from workbench.models.hubs import MODELSCOPE, is_hub_name
from workbench.settings import Settings

FILES = ["*.jsonl", "*.csv", "*.parquet", "*.zip"]
TABLES = (".jsonl", ".csv")  # of an archive's files, what is unpacked


def find_data(suite: Suite, place: str, settings: Settings) -> Path:
    """The folder with the suite's files.

    `place` is a folder, an archive, `OWNER/NAME` on the hub or `modelscope:OWNER/NAME`; empty is
    the suite's own place on the hub. Raises NotFound, InvalidInput for a damaged archive,
    Unavailable where the hub does not answer.
    """
    check_name(place, settings)
    path = Path(place).expanduser()
    if place and path.is_dir():
        return _unpacked(suite, path, settings)
    if zipfile.is_zipfile(path):
        return _unpack(suite, path, settings)
    if place and not is_hub_name(place):
        raise NotFound(
            say("There is no folder {folder}.", folder=place),
            "Name a folder, or the data on a hub: OWNER/NAME or modelscope:OWNER/NAME.",
        )
    return _unpacked(suite, _snapshot(place or suite.hub, settings), settings)


def _snapshot(name: str, settings: Settings) -> Path:
    with maps_data_errors(name):
        if name.startswith(MODELSCOPE):
            modelscope = require("modelscope", "modelscope", "A benchmark from ModelScope")
            cache = str(settings.cache_folder("benchmarks"))
            folder = modelscope.dataset_snapshot_download(
                name.removeprefix(MODELSCOPE), allow_patterns=FILES, cache_dir=cache
            )
        else:
            from huggingface_hub import snapshot_download

            folder = snapshot_download(name, repo_type="dataset", allow_patterns=FILES)
    return Path(folder)


def _unpacked(suite: Suite, folder: Path, settings: Settings) -> Path:
    """The folder itself, or what is in its one archive."""
    archives = sorted(folder.glob("*.zip"))
    tables = [path for path in folder.rglob("*") if path.suffix in (*TABLES, ".parquet")]
    if len(archives) == 1 and not tables:
        return _unpack(suite, archives[0], settings)
    return folder


def _unpack(suite: Suite, archive: Path, settings: Settings) -> Path:
    """The archive's tables, unpacked once on this machine."""
    name = f"{suite.name}-{sha256_of(archive)[:12]}"

    def unpack(part: Path) -> None:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.namelist():
                if member.endswith(TABLES):
                    packed.extract(member, part)  # never outside of `part`

    try:
        return made_once(settings.cache_folder("benchmarks") / name, unpack)
    except (zipfile.BadZipFile, EOFError) as error:
        raise InvalidInput(
            say("{path} is a damaged archive: {error}", path=archive, error=error),
            "Copy or download it again.",
        ) from error


@contextmanager
def maps_data_errors(name: str) -> Iterator[None]:
    """What goes wrong while data are fetched, in our words."""
    import httpx
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (DatasetsError, HfHubHTTPError, httpx.HTTPError, OSError, ValueError) as error:
        raise Unavailable(
            say("The data of {name} cannot be had: {error}", name=name, error=first_line(error)),
            "Connect to the hub, or name a folder that has them: --folder DIR",
        ) from error
