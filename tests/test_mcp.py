"""MCP: the official client lists and calls the experts, and a stranger's server is contained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from apart import apart
from click.testing import CliRunner
from conftest import free_port

from agents.mcp.adding import add_server, refresh_server
from agents.mcp.client import LONGEST_DESCRIPTION, LONGEST_RESULT, call_tool
from agents.mcp.kept import find_server, keep_server, read_servers, use_tool
from agents.mcp.tools import foreign_tools
from agents.registry import AGENTS
from agents.tools.tool import Outcome
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.settings import Settings

HOSTILE = [sys.executable, str(Path(__file__).with_name("hostile_mcp.py"))]
SERVE = ["-m", "workbench.cli", "mcp", "serve"]
CALLS: list[tuple[str, dict[str, str], str]] = [
    ("data", {"question": "Which account has the most likes in total?"}, "55543"),
    ("calculator", {"expression": "2 + 3 * 4"}, "14"),
    ("today", {}, "week"),
]


def environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "WORKBENCH_HOME": str(settings.home), "WORKBENCH_MODEL": "none"}


async def use(transport: Any) -> dict[str, str]:
    """Every tool is called, as a program of somebody else would; returns what each said."""
    from mcp import Client

    said = {}
    async with Client(transport) as client:
        listed = await client.list_tools()
        said["tools"] = ",".join(sorted(tool.name for tool in listed.tools))
        for name, arguments, _ in CALLS:
            said[name] = (await client.call_tool(name, arguments)).content[0].text
        wrong = await client.call_tool("calculator", {"expression": "open('x')"})
        said["wrong"] = f"{wrong.is_error} {wrong.content[0].text}"
        missing = await client.call_tool("nothing", {})
        said["missing"] = str(missing.is_error)
    return said


def check(said: dict[str, str]) -> None:
    # there are no documents and no tuned model
    assert said["tools"] == "calculator,data,forecast,today"
    for name, _, holds in CALLS:
        assert holds in said[name], said
    assert said["wrong"].startswith("True") and "not allowed" in said["wrong"]
    assert said["missing"] == "True"


def test_the_official_client_uses_the_experts_over_stdio(settings: Settings) -> None:
    from mcp import StdioServerParameters, stdio_client

    assert CliRunner().invoke(workbench, ["data", "example"]).exit_code == 0
    program = StdioServerParameters(command=sys.executable, args=SERVE, env=environment(settings))
    check(apart(use(stdio_client(program))))


def test_the_official_client_uses_the_experts_over_http_with_a_token(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    assert CliRunner().invoke(workbench, ["data", "example"]).exit_code == 0
    with serving(settings, "right") as url:
        headers = {"Authorization": "Bearer right"}
        client = create_mcp_http_client(headers=headers)
        check(apart(use(streamable_http_client(url, http_client=client))))
        # the same server as one that a person adds by its address
        monkeypatch.setenv("WORKBENCH_KEY_MCP_SELF", "right")
        add_server("self", [], url, {"today": "always"}, settings)
        (today,) = foreign_tools(settings)
        assert today.name == "self__today" and "week" in finish(today.run({}, {})).text
        monkeypatch.setenv("WORKBENCH_KEY_MCP_SELF", "wrong")
        with pytest.raises(Unavailable):
            finish(today.run({}, {}))
        request = urllib.request.Request(url, b"{}", {"Authorization": "Bearer wrong"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code == 401
        # another page's script cannot reach it by a name that leads here
        host = headers | {"Host": "evil.example", "Content-Type": "application/json"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, b"{}", host), timeout=5)
        assert refused.value.code == 421


@contextmanager
def serving(settings: Settings, token: str) -> Iterator[str]:
    port = free_port()
    variables = environment(settings) | {"WORKBENCH_MCP_TOKEN": token}
    command = [sys.executable, *SERVE, "--http", "--port", str(port)]
    process = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url, timeout=1)
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_a_strangers_server_is_contained(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HANDED_ON", "1")
    allowed: Any = {"documents": "ask", "long_text": "always"}
    added = add_server("wiki", HOSTILE, "", allowed, settings, ["HANDED_ON"])
    # nothing is offered but what was allowed, and under the server's name
    tools = {tool.name: tool for tool in foreign_tools(settings)}
    assert list(tools) == ["wiki__documents", "wiki__long_text"]
    assert not tools.keys() & AGENTS.keys()
    assert tools["wiki__documents"].asks and not tools["wiki__long_text"].asks
    told = added.tools["documents"].description
    assert len(told) <= LONGEST_DESCRIPTION and "\x1b" not in told and "\n" not in told
    # a tool that is described in other words than those that were allowed is off again
    other = added.tools["documents"].model_copy(update={"description": "Something else."})
    keep_server(
        "wiki", added.model_copy(update={"tools": added.tools | {"documents": other}}), settings
    )
    refreshed = refresh_server("wiki", settings).tools
    assert (refreshed["documents"].use, refreshed["long_text"].use) == ("off", "always")
    # what it returns is cut; what it sees of this machine is what was named
    assert len(call(settings, "long_text").text) < LONGEST_RESULT + 100
    seen = call(settings, "environment").text.split()
    assert "HANDED_ON" in seen and not [one for one in seen if one.startswith("WORKBENCH")]
    assert call(settings, "broken").state == "failed"
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="wiki"):
        call(settings, "flood")  # ended while it floods, not read into memory
    # a reader that leaves ends the call at once
    events = call_tool("wiki", find_server("wiki", settings), "sleep", {"question": "?"})
    next(events)
    events.close()
    assert time.monotonic() - begun < 30


def call(settings: Settings, tool: str) -> Outcome:
    return finish(call_tool("wiki", find_server("wiki", settings), tool, {"question": "?"}))


def finish(events: Any) -> Outcome:
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def test_servers_are_added_listed_allowed_and_removed_by_commands(settings: Settings) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(workbench, ["mcp", *words])

    added = run("add", "wiki", "--allow", "broken", "--json", "--", *HOSTILE)
    assert added.exit_code == 0, added.output
    assert json.loads(added.output)["tools"]["broken"] == "ask"
    assert run("add", "wiki", "--", "true").exit_code == 1  # there already
    assert run("allow", "wiki", "broken", "--use", "always").exit_code == 0
    assert read_servers(settings)["wiki"].tools["broken"].use == "always"
    assert "always  broken" in run("list").output
    assert run("remove", "wiki").exit_code == 0
    assert read_servers(settings) == {}
    assert "secret" not in (settings.home / "mcp.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "command", "url", "allowed"),
    [
        ("wiki", [], "", {}),
        ("wiki", ["true"], "http://127.0.0.1:1/mcp", {}),
        ("My Wiki", ["true"], "", {}),
        ("wiki", ["no-such-program-here"], "", {}),
        ("wiki", ["true"], "", {}),
        ("wiki", [], "file:///etc/passwd", {}),
        ("wiki", [], "http://127.0.0.1:9/mcp", {}),
    ],
)
def test_what_cannot_be_reached_is_not_kept(
    settings: Settings, name: str, command: list[str], url: str, allowed: Any
) -> None:
    with pytest.raises(WorkbenchError) as refused:
        add_server(name, command, url, allowed, settings)
    assert refused.value.fix
    assert read_servers(settings) == {}


def test_unknown_names_are_told(settings: Settings) -> None:
    with pytest.raises(NotFound):
        find_server("wiki", settings)
    with pytest.raises(NotFound):
        use_tool("wiki", "search", "ask", settings)
    (settings.home / "mcp.json").write_text("[", "utf-8")
    with suppress(InvalidInput):
        read_servers(settings)
        pytest.fail("a damaged file is told")
