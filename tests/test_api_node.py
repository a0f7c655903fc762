"""The API answers OpenAI's own client for Node, unmodified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from install_servers import node_client_folder
from served_api import CLOSED, TOY, served, speak
from tool_model import tool_server

from agents.api.keys import create_key
from agents.registry import registered
from workbench.settings import load_settings

SCRIPT = Path(__file__).parent / "node" / "client.mjs"
Ask = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """Runs parts of the script against the API and gives what the client was told."""
    node = shutil.which("node")
    if not node or not node_client_folder().exists():
        missing("OpenAI's client for Node")
    home = new_workspace(tmp_path_factory.mktemp("node"))
    with tool_server(speak) as model, registered(TOY):
        settings = load_settings(home=home, openai_base_url=model, model="openai:scripted")
        keys = {
            "KEY": create_key(settings, "node", ["chat"]),
            "LIMITED": create_key(settings, "limited", ["chat"], per_minute=1),
        }
        with served(settings) as address:
            environment = os.environ | keys | {"ADDRESS": address}

            def run(parts: str) -> dict[str, Any]:
                done = subprocess.run(
                    [str(node), "--input-type=module", "-", parts],
                    input=SCRIPT.read_text("utf-8"),
                    cwd=node_client_folder(),
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert done.returncode == 0, done.stderr
                return json.loads(done.stdout)

            yield run


def test_node_is_answered_whole_and_in_a_stream(ask: Ask) -> None:
    told = ask("models,whole,streamed,gathered,tools,runner")
    assert {"workbench-auto", "workbench-toy"} <= set(told["models"])
    whole = told["whole"]
    assert whole.pop("request")
    assert whole == {
        "text": "At six [1]. STOP here",
        "finish": "stop",
        "tokens": 26,
        "cited": "tides.md p. 1",
        "mode": "toy",
    }
    streamed = told["streamed"]
    assert streamed.pop("pieces") > 3
    said = {"text": "At six [1]. STOP here", "finish": "stop", "tokens": 26, "sources": 2}
    assert streamed == said
    assert told["gathered"] == "At six [1]. STOP here"
    assert told["tools"] == {"finish": "tool_calls", "name": "look", "text": "It said six."}
    assert told["runner"] == {"text": "It said six.", "calls": [{"day": "Monday"}]}


# part of the script -> the client's own error, status, code, a part of the message
ERRORS = {
    "key": ("AuthenticationError", 401, "invalid_api_key", "not valid"),
    "model": ("NotFoundError", 404, "not_found", "no model"),
    "often": ("RateLimitError", 429, "rate_limit_exceeded", "1 times a minute"),
    "field": ("BadRequestError", 400, "invalid_request", "temperature"),
    "agent": ("InternalServerError", 503, "unavailable", "Mend it."),
    "stream": ("APIError", None, "unavailable", "Mend it."),
}


def test_node_raises_its_own_errors(ask: Ask) -> None:
    told = ask("errors")["errors"]
    for part, (name, status, code, message) in ERRORS.items():
        problem = told[part]
        assert problem["name"] == name, part
        assert problem.get("status") == status and problem["code"] == code, part
        assert message in problem["message"], part
    assert 0 < int(told["often"]["wait"]) <= 61, "the client learns how long to wait"


def test_leaving_stops_the_agent(ask: Ask) -> None:
    CLOSED.clear()
    assert ask("aborted")["aborted"] == {"seen": 5, "closed": "yes"}
    CLOSED.clear()
    told = ask("timedOut")["timedOut"]
    assert told == {"name": "APIConnectionTimeoutError", "closed": "yes"}
