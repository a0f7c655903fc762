"""The images' files are sound, and their entry point runs as it would in them. None is built here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import psutil
import pytest
import yaml
from conftest import free_port, missing
from install_servers import compose_schema_file

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
USER = 10001
WAITED = 120  # seconds


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))


def test_the_dockerfile_has_no_findings() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if not hadolint:
        missing("hadolint")
    found = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_compose_follows_its_schema(compose: dict[str, Any]) -> None:
    if not compose_schema_file().exists():
        missing("the schema of compose files")
    schema = json.loads(compose_schema_file().read_text("utf-8"))
    jsonschema.validate(compose, schema)
    wrong = compose | {"services": {"app": {"imagine": "workbench"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_every_service_is_closed(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"app", "api", "ollama", "chroma", "postgres", "mariadb", "prometheus"} == set(services)
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published == {"app": ["127.0.0.1:8501:8501"]}, "the app's port alone, on loopback"
    for name, service in services.items():
        assert service["read_only"] is True and "/tmp" in service["tmpfs"], name
        assert ":" in service["image"] and not service["image"].endswith(":latest"), name
        assert "healthcheck" in service or name == "app", "the app's is in the image"
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for variable, value in service.get("environment", {}).items():
            is_secret = re.search("PASSWORD|KEY|DATABASE_URL", variable)
            assert not is_secret or value.startswith("/run/secrets/") or value == "1", variable
        named = [volume.split(":")[0] for volume in service["volumes"]]
        assert all(one.startswith("./") or one in compose["volumes"] for one in named), name
    scraped = yaml.safe_load((DOCKER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert scraped[0]["static_configs"] == [{"targets": ["api:8600"]}]


def test_an_image_gets_the_project_and_nothing_that_a_person_made() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[1] == "*", "what is not named stays out"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {name.removesuffix("*") for name in packages} | {
        ".streamlit",
        project["project"]["readme"],
    }
    assert needed <= let_in
    assert all((ROOT / name).exists() for name in let_in)


@contextmanager
def contained(volume: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The image's entry point in a sandbox with the image's user, environment and flags."""
    environment = os.environ | {"PYTHON": sys.executable}
    command = [DOCKER / "try.sh", volume, *words]
    with (volume / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The one writable folder, with a workspace that has no need of examples."""
    if not shutil.which("bwrap"):
        missing("bubblewrap")
    probe = ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "true"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("bubblewrap may not make namespaces here")
    (tmp_path / "workspace" / "data").mkdir(parents=True)
    (tmp_path / "workspace" / "index.db").touch()
    return tmp_path


SERVERS = {
    "app": (["run", "--no-browser"], "/_stcore/health"),
    "API": (["serve"], "/healthz"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_entry_point_runs_where_it_can_write_to_its_volume_alone(
    name: str, volume: Path
) -> None:
    words, path = SERVERS[name]
    port = free_port()
    with contained(volume, *words, "--port", str(port)) as server:
        _wait_until_answered(server, f"http://127.0.0.1:{port}{path}", volume)
        inside = _process_in(server.pid)
        status = _status_of(inside)
        assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1"
        assert (inside / "uid_map").read_text().split()[0] == str(USER)
        assert _writable_in(inside) == {"/var/lib/workbench", "/tmp"}


def _wait_until_answered(server: subprocess.Popen[bytes], url: str, volume: Path) -> None:
    until = time.monotonic() + WAITED
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(url, timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail((volume / "log.txt").read_text("utf-8")[-2000:])


def _process_in(pid: int) -> Path:
    """What the kernel tells of the process in the sandbox that answers."""
    family = psutil.Process(pid).children(recursive=True)
    inside = next(one for one in family if "python" in Path(one.cmdline()[0]).name)
    return Path(f"/proc/{inside.pid}")


def _status_of(proc: Path) -> dict[str, str]:
    lines = (proc / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _writable_in(proc: Path) -> set[str]:
    """The places of disks that it may write to."""
    mounts = [line.split() for line in (proc / "mounts").read_text().splitlines()]
    writable = {place for _, place, _, flags, *_ in mounts if "rw" in flags.split(",")}
    return {place for place in writable if not re.match("/(dev|proc)(/|$)", place)}
