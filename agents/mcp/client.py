"""An MCP server of a stranger -> its tools, and the result of one call. Each opens a connection.

What it says is data: names are checked, descriptions and results are cut, and time and bytes are
bounded. A program gets no variable of ours but those the person has named.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Generic, TypeVar

from agents.mcp.kept import KeptTool, Server, address_of, key_name
from agents.tools.tool import Outcome
from workbench.chat.events import Beat
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.models.keys import key_of
from workbench.models.servers import is_loopback

CONNECTS_WITHIN = 20.0  # seconds, in which a program starts and lists its tools
ANSWERS_WITHIN = 60.0  # seconds
LONGEST_LINE = 1_000_000  # bytes of one message
ALL = 8_000_000  # bytes of one connection
MOST_TOOLS = 100
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 300
LONGEST_SCHEMA = 10_000  # characters
LONGEST_RESULT = 20_000
LOOKS_EVERY = 0.1
RELAY = Path(__file__).with_name("relay.py")

Result = TypeVar("Result")


def list_tools(name: str, server: Server) -> dict[str, KeptTool]:
    """Tool -> how the server describes it, cut to a size that can be read. Raises Unavailable."""

    async def listed(client: Any) -> dict[str, KeptTool]:
        found = await client.list_tools()
        tools = {}
        for tool in found.tools[:MOST_TOOLS]:
            schema = dict(tool.input_schema or {})
            if len(tool.name) <= LONGEST_NAME and len(str(schema)) <= LONGEST_SCHEMA:
                tools[tool.name] = KeptTool(
                    description=one_line(tool.description or ""), parameters=schema
                )
        return tools

    return _wait(_Connection(name, server, listed, CONNECTS_WITHIN))


def call_tool(
    name: str, server: Server, tool: str, arguments: dict[str, Any]
) -> Generator[Beat, None, Outcome]:
    """Beats while the server works, then what it returned. Closing it ends the call.

    Raises Unavailable where the server does not start, answer or end.
    """

    async def called(client: Any) -> Outcome:
        result = await client.call_tool(tool, arguments)
        texts = [getattr(part, "text", f"({part.type})") for part in result.content]
        text = "\n".join(texts)
        if len(text) > LONGEST_RESULT:
            text = text[:LONGEST_RESULT] + "\n… (cut off)"
        return Outcome(text, state="failed" if result.is_error else "done")

    connection = _Connection(name, server, called, ANSWERS_WITHIN)
    try:
        while not connection.ended.wait(LOOKS_EVERY):
            yield Beat()
    finally:
        connection.cancel()
    return connection.result()


def one_line(text: str) -> str:
    """A stranger's description: one line without signs that steer, of a length that can be read."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST_DESCRIPTION else line[: LONGEST_DESCRIPTION - 1] + "…"


class _Connection(Generic[Result]):
    """One connection in a thread of its own, with an event loop of its own."""

    def __init__(
        self, name: str, server: Server, use: Callable[[Any], Awaitable[Result]], patience: float
    ) -> None:
        self.ended = threading.Event()
        self._name = name
        self._server = server
        self._use = use
        self._patience = patience
        self._found: Result | None = None
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[Result] | None = None
        threading.Thread(target=self._run, name=f"mcp-{name}", daemon=True).start()

    def cancel(self) -> None:
        """End the connection, and with it the program."""
        if not self.ended.is_set() and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def result(self) -> Any:
        """What was found. Raises Unavailable."""
        if self._error is None:
            return self._found
        if isinstance(self._error, TimeoutError):
            raise Unavailable(
                say("The MCP server {name} did not answer in time.", name=self._name),
                say("Test it: workbench mcp test {name}", name=self._name),
            ) from self._error
        if isinstance(self._error, InvalidInput):
            raise self._error
        raise Unavailable(
            say(
                "The MCP server {name} broke off: {error}",
                name=self._name,
                error=one_line(_innermost(self._error)),
            ),
            say("Test it: workbench mcp test {name}", name=self._name),
        ) from self._error

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._task = self._loop.create_task(self._connect())
            self._found = self._loop.run_until_complete(self._task)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._error = error
        finally:
            self.ended.set()
            self._loop.close()

    async def _connect(self) -> Any:
        from mcp import Client

        async with asyncio.timeout(self._patience), AsyncExitStack() as opened:
            transport = await _transport(self._name, self._server, opened)
            client = await opened.enter_async_context(Client(transport))
            return await self._use(client)


async def _transport(name: str, server: Server, opened: AsyncExitStack) -> Any:
    """How the library reaches the server."""
    if server.base_url:
        return await _address(name, server, opened)
    from mcp import StdioServerParameters, stdio_client

    handed_on = {one: os.environ[one] for one in server.variables if one in os.environ}
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-I", str(RELAY), str(LONGEST_LINE), str(ALL), "--", *server.command],
        env=handed_on,
    )
    return stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr)


async def _address(name: str, server: Server, opened: AsyncExitStack) -> Any:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    key = key_of(key_name(name), address_of(server)).get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if key and server.base_url.startswith("http://") and not is_loopback(server.base_url):
        raise InvalidInput(
            "A token is not sent over an address without https.",
            "Give the server's https address, or reach it on this machine.",
        )
    timeout = httpx2.Timeout(ANSWERS_WITHIN, connect=5.0)
    client = httpx2.AsyncClient(
        headers=headers,
        timeout=timeout,
        trust_env=not is_loopback(server.base_url),
        event_hooks={"response": [_refuse_floods]},
    )
    await opened.enter_async_context(client)
    return streamable_http_client(server.base_url, http_client=client)


async def _refuse_floods(response: Any) -> None:
    """Count the bytes of a response as they come; too many of them are an error."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        """The same stream up to the limit."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> Any:
            passed = 0
            async for chunk in self._stream:
                passed += len(chunk)
                if passed > ALL:
                    raise httpx2.ReadError("the server sends too much")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    response.stream = Counted(response.stream)


def _wait(connection: _Connection[Result]) -> Result:
    begun = time.monotonic()
    try:
        while not connection.ended.wait(LOOKS_EVERY):
            if time.monotonic() - begun > 2 * CONNECTS_WITHIN:
                break
    finally:
        connection.cancel()
    found: Result = connection.result()
    return found


def _innermost(error: BaseException) -> str:
    """The words of the first error inside a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
