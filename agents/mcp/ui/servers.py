"""MCP servers in the chat: each tool allowed by its name, and a form that adds a server."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import streamlit as st

from agents.mcp.adding import add_server, refresh_server, remove_server
from agents.mcp.kept import KeptTool, Server, Use, use_tool
from workbench.errors import InvalidInput, WorkbenchError
from workbench.settings import Settings
from workbench.ui.widgets import both, plain, show_error

PROBLEM = "mcp-problem"  # of the last action, in the session
USES: dict[Use, tuple[str, str]] = {
    "off": ("Off", "关闭"),
    "ask": ("Ask me each time", "每次询问我"),
    "always": ("Always", "始终允许"),
}


def show_servers(servers: Mapping[str, Server], settings: Settings) -> None:
    """Draw the servers with their tools, and the form."""
    st.markdown(f"**{both('MCP servers', 'MCP 服务器')}**")
    st.caption(
        both(
            "Programs of others whose tools the assistant may call. Each tool is off until you "
            "allow it.",
            "助手可以调用的外部程序工具。每个工具在您允许之前都是关闭的。",
        )
    )
    problem = st.session_state.pop(PROBLEM, None)
    if problem is not None:
        show_error(problem.problem, problem.fix)
    for name, server in servers.items():
        _show_server(name, server, settings)
    _show_form(settings)


def _show_server(name: str, server: Server, settings: Settings) -> None:
    with st.expander(plain(name), icon=":material/extension:"):
        st.caption(plain(server.place))
        for tool, kept in server.tools.items():
            _show_tool(name, tool, kept, settings)
        with st.container(horizontal=True):
            st.button(
                both("Test", "测试"),
                icon=":material/refresh:",
                key=f"mcp-test-{name}",
                on_click=_act,
                args=(refresh_server, name, settings),
            )
            st.button(
                both("Remove", "移除"),
                icon=":material/delete:",
                key=f"mcp-remove-{name}",
                on_click=_act,
                args=(remove_server, name, settings),
            )


def _show_tool(name: str, tool: str, kept: KeptTool, settings: Settings) -> None:
    key = f"mcp-use-{name}-{tool}"
    st.session_state[key] = kept.use

    def take() -> None:
        _act(use_tool, name, tool, st.session_state[key], settings)

    st.selectbox(
        plain(tool),
        list(USES),
        key=key,
        format_func=lambda use: both(*USES[use]),
        on_change=take,
    )
    if kept.description:
        st.caption(plain(kept.description))


def _show_form(settings: Settings) -> None:
    with st.form("mcp-add", border=False):
        name = st.text_input(both("Name", "名称"), placeholder="wiki", key="mcp-name")
        place = st.text_input(
            both("Command or address", "命令或地址"),
            placeholder="wiki-mcp --read-only · https://…/mcp",
            key="mcp-place",
        )
        token = st.text_input(
            both("Token (for an address)", "令牌（用于地址）"), type="password", key="mcp-token"
        )
        pressed = st.form_submit_button(both("Add", "添加"), icon=":material/add:")
    if pressed:
        with st.spinner(both("Connecting…", "正在连接…")):
            _act(_add, name.strip(), place.strip(), token, settings)
        st.rerun()


def _add(name: str, place: str, token: str, settings: Settings) -> None:
    if place.startswith(("http://", "https://")):
        add_server(name, [], place, {}, settings, token=token)
        return
    try:
        command = shlex.split(place)
    except ValueError as error:
        raise InvalidInput(
            "The command has a quotation mark that is not closed.", "Close it, and add it again."
        ) from error
    add_server(name, command, "", {}, settings)


def _act(action: Any, *arguments: Any) -> None:
    """Do it; what went wrong is shown at the next drawing."""
    try:
        action(*arguments)
    except WorkbenchError as error:
        st.session_state[PROBLEM] = error
