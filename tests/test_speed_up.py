"""A run in OpenVINO's form: made from the merged file, and used only where its answers are equal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_models import PAIRS

from workbench.cli import workbench
from workbench.errors import InvalidInput
from workbench.files import read_json, write_json
from workbench.models.chosen import choose_named
from workbench.models.fast import FastChatModel
from workbench.models.local import LocalChatModel
from workbench.models.speeding import VERDICT, speed_up
from workbench.settings import Settings, load_settings


def test_a_model_is_sped_up_where_its_answers_stay_the_same(
    settings: Settings, tiny_model: Path
) -> None:
    shutil.copytree(tiny_model, settings.folder("models") / "tiny")
    greedy = load_settings(temperature=0.0)
    assert isinstance(choose_named("local:tiny", greedy).chat_model(), LocalChatModel)
    done = CliRunner().invoke(workbench, ["models", "speed-up", "local:tiny", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["equal"] and said["prompts"] >= 6

    fast = choose_named("local:tiny", greedy).chat_model()
    assert isinstance(fast, FastChatModel)
    for question, reply in PAIRS:
        assert fast.invoke(question).content == reply

    verdict = next(settings.home.glob(f"fast/*/{VERDICT}"))
    write_json(verdict, read_json(verdict) | {"same": 0})
    assert isinstance(choose_named("local:tiny", greedy).chat_model(), LocalChatModel)


def test_a_model_of_a_server_is_not_sped_up(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="run elsewhere"):
        speed_up("ollama:tiny", settings, lambda event: None)
