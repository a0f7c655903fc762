"""The assistant's chip: what it may use, and the MCP servers whose tools it may call."""

from __future__ import annotations

import streamlit as st

from agents.mcp.kept import read_servers
from agents.mcp.ui.servers import show_servers
from agents.registry import AGENTS
from agents.tools.experts import expert_tools
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.ui.chips import chip_text
from workbench.ui.widgets import both, language, show_error


def choose_tools(settings: Settings, asked: bool) -> None:
    """Draw the chip where the assistant is asked by name."""
    if not asked:
        return
    try:
        servers = read_servers(settings)
    except WorkbenchError as error:
        show_error(error.problem, error.fix)
        return
    allowed = [tool for one in servers.values() for tool in one.tools.values() if tool.use != "off"]
    label = both("Tools", "工具")
    text = chip_text(f"{label} · {len(allowed)}" if allowed else label, bool(allowed))
    about = both("What the assistant may use", "助手可以使用什么")
    with st.popover(text, icon=":material/build:", type="tertiary", help=about, key="tools"):
        _show_own(settings)
        if settings.role != "reader":
            show_servers(servers, settings)


def _show_own(settings: Settings) -> None:
    experts = [AGENTS[tool.name] for tool in expert_tools(settings, language(), None)]
    names = [both(agent.english, agent.chinese) for agent in experts]
    names += [both("Calculator", "计算器"), both("Today's date", "今天的日期")]
    st.markdown(f"**{both('Here', '本工作区')}**")
    st.caption(both(", ".join(names), "、".join(names)))
