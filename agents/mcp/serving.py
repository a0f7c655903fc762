"""The experts of a workspace as an MCP server: each a tool, each document a resource."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agents.question import Question
from agents.registry import AGENTS
from agents.tools.calculator import CALCULATOR
from agents.tools.experts import expert_tools
from agents.tools.today import TODAY
from agents.tools.tool import Outcome, Tool
from rag.store import Collection, list_collections
from workbench.chat.events import Query, Source
from workbench.errors import WorkbenchError
from workbench.settings import Settings

LISTED = 500  # documents
LOOPBACK = "127.0.0.1"


def make_server(settings: Settings) -> Any:
    """The server: a tool for each expert that has an asset now, a resource for each document."""
    from importlib.metadata import version

    from mcp.server import MCPServer

    server = MCPServer("workbench", version=version("agent-workbench"))
    question = Question("", [], settings)
    tools = [*expert_tools(settings, "en", question.model), CALCULATOR, TODAY]
    for tool in tools:
        label = AGENTS[tool.name].english if tool.name in AGENTS else tool.name.capitalize()
        server.add_tool(
            _function(tool), tool.name, label, tool.description, structured_output=False
        )
    _add_documents(server, settings)
    return server


def serve_stdio(settings: Settings) -> None:
    """Serve over standard input and output until it is closed."""
    make_server(settings).run("stdio")


def serve_http(settings: Settings, port: int, token: str) -> None:
    """Serve streamable HTTP on this machine's own address until it is ended."""
    import uvicorn

    app = make_server(settings).streamable_http_app(stateless_http=True, json_response=True)
    served = _with_token(app, token) if token else app
    uvicorn.run(served, host=LOOPBACK, port=port, log_level="warning")


def _function(tool: Tool) -> Callable[..., Awaitable[str]]:
    """The tool as the library wants it: a function whose parameters are the tool's."""
    names = list(tool.parameters["properties"])
    if names == ["question"]:

        async def ask(question: str) -> str:
            return await asyncio.to_thread(_run, tool, {"question": question})

        return ask
    if names == ["expression"]:

        async def compute(expression: str) -> str:
            return await asyncio.to_thread(_run, tool, {"expression": expression})

        return compute

    async def tell() -> str:
        return await asyncio.to_thread(_run, tool, {})

    return tell


def _run(tool: Tool, arguments: dict[str, Any]) -> str:
    """The text of the outcome with its query and sources. Raises ToolError with what went wrong."""
    from mcp.server.mcpserver.exceptions import ToolError

    notes: list[str] = []
    try:
        outcome = _finish(tool, arguments, notes)
    except WorkbenchError as error:
        raise ToolError(f"{error.problem} {error.fix}".strip()) from error
    if outcome.state != "done":
        raise ToolError(outcome.text)
    return "\n".join([outcome.text, *notes])


def _finish(tool: Tool, arguments: dict[str, Any], notes: list[str]) -> Outcome:
    events = tool.run(arguments, {})
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return end.value
        if isinstance(event, Source):
            notes.append(f"[{event.number}] {Path(event.source).name} {event.locator}".rstrip())
        elif isinstance(event, Query):
            notes.append(f"SQL: {event.sql}")


def _add_documents(server: Any, settings: Settings) -> None:
    from mcp.server.mcpserver.resources import FunctionResource

    added = 0
    for collection in list_collections(settings):
        for document in collection.documents():
            if document.state != "indexed" or added == LISTED:
                continue
            added += 1
            name = Path(document.source).name
            uri = f"workbench://documents/{quote(collection.name)}/{added}/{quote(name)}"
            server.add_resource(
                FunctionResource(
                    uri=uri,
                    name=f"{collection.name}/{name}",
                    mime_type="text/plain",
                    fn=_reader(collection, document.source),
                )
            )


def _reader(collection: Collection, source: str) -> Callable[[], str]:
    def read() -> str:
        return "\n\n".join(passage.text for passage in collection.document(source))

    return read


def _with_token(app: Any, token: str) -> Any:
    """The app behind a token: any other request gets 401 and nothing else."""
    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers") or []).get(b"authorization", b"")
        if scope["type"] != "http" or hmac.compare_digest(given, wanted):
            await app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return guarded
