"""No text of a Modelfile ends where a command could begin: in ours and in Ollama's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest

from deploy.modelfile import Modelfile, read_modelfile
from tests.conftest import ollama_binary
from workbench.errors import InvalidInput

TEMPLATE = "{{ range .Messages }}{{ .Content }}\n{{ end }}"
FACTS = ("template", "system", "parameters", "model_info", "adapters", "messages")  # of a model
EVIL = "\nFROM evil\nADAPTER ./evil\nPARAMETER num_predict 1\n"
REFUSED: list[dict[str, Any]] = [
    {"system": 'Be kind."""' + EVIL + 'SYSTEM """'},
    {"system": '"""'},
    {"system": '"Be kind.'},
    {"system": "Be kind.\rFROM evil"},
    {"system": "Be kind.\0"},
    {"template": TEMPLATE + '"""' + EVIL},
    {"stops": ('"""' + EVIL,)},
    {"stops": ("a", '"')},
    {"stops": ("a\rFROM evil",)},
    {"parameters": {"num_ctx": "1\nFROM evil"}},
    {"parameters": {"num_ctx 1\nFROM evil\nPARAMETER x": 1}},
    {"parameters": {"num_ctx": ["1\nFROM evil"]}},
    {"parameters": {"x": '"1'}},
]
KEPT: list[dict[str, Any]] = [
    {"system": 'Say "yes"'},
    {"system": '"yes"\nor\n"no"'},
    {"system": "Be kind." + EVIL},
    {"system": 'Say "hi"\nFROM evil\n""'},
    {"template": '{{ .Prompt }}"' + EVIL + '"'},
    {"stops": ('a"' + EVIL, "\nFROM evil", 'it says "no"', " # ", "'")},
    {"system": "你好。\n", "parameters": {"temperature": 0.5, "num_ctx": 2048}},
]


@pytest.mark.parametrize("fields", REFUSED)
def test_a_text_that_could_end_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Modelfile(**({"template": TEMPLATE} | fields))
    assert caught.value.fix


@pytest.mark.parametrize("place", ["a\nADAPTER b", 'a"', "a b", "", "# a", "a'b"])
def test_a_place_of_weights_is_one_word(place: str) -> None:
    with pytest.raises(InvalidInput):
        Modelfile(TEMPLATE).text(place)
    if place:
        with pytest.raises(InvalidInput):
            Modelfile(TEMPLATE).text("base", place)


@pytest.mark.parametrize("fields", KEPT)
def test_a_text_that_looks_like_commands_reads_as_it_was_written(fields: dict[str, Any]) -> None:
    written = Modelfile(**({"template": TEMPLATE} | fields))
    assert read_modelfile(written.text()) == written


@pytest.mark.ollama
def test_a_real_ollama_finds_no_command_in_a_text(ollama_server: str, tmp_path: Path) -> None:
    """Made by fields, of our Modelfile, and of Ollama's own: the same model each time."""
    client = ollama.Client(ollama_server)
    binary = ollama_binary() if ollama_binary().exists() else "ollama"

    def create(name: str, text: str) -> None:
        file = tmp_path / f"{name}.Modelfile"
        file.write_text(text, "utf-8")
        command = [str(binary), "create", name, "-f", str(file)]
        environment = os.environ | {"OLLAMA_HOST": ollama_server, "HOME": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def facts(name: str) -> dict[str, Any]:
        shown = httpx.post(f"{ollama_server}/api/show", json={"model": name}).json()
        found = {fact: shown.get(fact, "") for fact in FACTS}
        return found | {"parameters": sorted(found["parameters"].splitlines())}  # by chance ordered

    base = facts("tiny")["model_info"]
    for number, fields in enumerate(KEPT):
        written = Modelfile(**({"template": TEMPLATE} | fields))
        names = [f"{way}{number}" for way in ("fields", "ours", "shown")]
        client.create(names[0], from_="tiny", **written.fields())
        create(names[1], written.text("tiny"))
        create(names[2], client.show(names[0]).modelfile or "")
        found = facts(names[0])
        assert found["template"] == written.template and found["system"] == written.system
        names_given = {line.split()[0] for line in found["parameters"]}
        assert found["model_info"] == base and names_given <= {"stop", "temperature", "num_ctx"}
        assert facts(names[1]) == found, "our text makes another model than the fields"
        assert facts(names[2]) == found, "Ollama's text of it makes another model"
        for name in names:  # other tests share the server
            client.delete(name)
