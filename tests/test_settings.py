"""Settings: arguments, WORKBENCH_*, workbench.toml, and for Ollama its own OLLAMA_HOST."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.errors import InvalidInput
from workbench.settings import load_settings, whole_address


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OLLAMA_HOST", raising=False)


def test_the_ollama_host_is_ours_then_the_files_then_ollamas_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().ollama_host == "http://127.0.0.1:11434"
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.5")
    assert load_settings().ollama_host == "http://10.0.0.5:11434"
    (tmp_path / "workbench.toml").write_text('ollama_host = "10.0.0.6"', "utf-8")
    assert load_settings().ollama_host == "http://10.0.0.6:11434"
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", "10.0.0.7:9")
    assert load_settings().ollama_host == "http://10.0.0.7:9"
    assert load_settings(ollama_host="10.0.0.8:9").ollama_host == "http://10.0.0.8:9"


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8000", "http://127.0.0.1:8000"),
        ("gpu", "http://gpu:11434"),
        ("gpu:8000/", "http://gpu:8000"),
        ("http://gpu", "http://gpu"),
        ("https://gpu.example.org/ollama/", "https://gpu.example.org/ollama"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
    ],
)
def test_an_address_of_ollama_is_made_whole(given: str, whole: str) -> None:
    assert whole_address(given) == whole


def test_all_problems_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_PORT", "many")
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "9")
    with pytest.raises(InvalidInput, match=r"port: .*temperature: ") as failure:
        load_settings()
    assert "workbench.toml" in failure.value.fix


def test_a_key_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('openai_api_key = "sesame"', "utf-8")
    with pytest.raises(InvalidInput, match="holds a secret") as failure:
        load_settings()
    assert "WORKBENCH_OPENAI_API_KEY" in failure.value.fix


def test_secrets_may_lie_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "key"
    secret.write_text("sesame\n", "utf-8")
    for name in ("OPENAI_API_KEY", "KEY_GPU"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)  # it goes again after the test
        monkeypatch.setenv(f"WORKBENCH_{name}", "")
        monkeypatch.setenv(f"WORKBENCH_{name}_FILE", str(secret))
    assert load_settings().openai_api_key.get_secret_value() == "sesame"
    assert load_settings().openai_api_key.get_secret_value() == "sesame", "also the second time"
    assert os.environ["WORKBENCH_KEY_GPU"] == "sesame", "any secret, and jobs inherit it"


@pytest.mark.parametrize(
    ("path", "also", "said"),
    [
        ("nowhere", "", "cannot be read: No such file"),
        (".", "", "cannot be read: Is a directory"),
        ("binary", "", "cannot be read: not text"),
        ("key", "sesame", "both set"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_said(
    path: str, also: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("open", "utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("WORKBENCH_OPENAI_API_KEY", also)
    monkeypatch.setenv("WORKBENCH_OPENAI_API_KEY_FILE", str(tmp_path / path))
    with pytest.raises(InvalidInput, match=said) as failure:
        load_settings()
    assert "sesame" not in failure.value.problem and failure.value.fix
