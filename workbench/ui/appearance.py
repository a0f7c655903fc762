"""The foot of the sidebar: running jobs, language, light or dark; the same on every page.

Streamlit keeps the chosen theme in the browser, by page, and reads it when a page is loaded. The
language and the space are kept in cookies: the server sees them with the first request of a new tab
or a reload.
"""

from __future__ import annotations

import streamlit as st

from workbench.accounts.spaces import OWN
from workbench.language import LANGUAGE_COOKIE
from workbench.settings import Settings
from workbench.ui.account import show_account
from workbench.ui.jobs import show_jobs
from workbench.ui.session import OWN_SPACE, SPACE_COOKIE, both, language_switch

BUTTON = """
<button type="button">
  <svg viewBox="0 0 24 24" width="18" height="18" fill="currentColor" aria-hidden="true">
    <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 2v14a7 7 0 0 1 0-14Z"/>
  </svg>
</button>
"""
STYLE = """
button { display: grid; place-items: center; width: 2rem; height: 2rem; padding: 0; cursor: pointer;
  border: 0; border-radius: var(--st-button-radius); background: none; color: inherit; }
button:hover { background: color-mix(in srgb, currentColor 10%, transparent); }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
SCRIPT = """
const NARROW = 768  // pixels: the sidebar lies over the page
const GOES =
  "[data-testid=stSidebarNavLink], [class*=st-key-chat-] button, .st-key-new_chat button"

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button")
  button.title = data.label
  button.setAttribute("aria-label", data.label)
  button.onclick = () => {
    const theme = JSON.stringify(data.dark ? "Light" : "Dark")
    const links = document.querySelectorAll("[data-testid=stSidebarNavLink]")
    const paths = [...links].map((link) => new URL(link.href).pathname)
    for (const path of [...paths, location.pathname])
      localStorage.setItem(`stActiveTheme-${path}-v2`, theme)
    location.reload()
  }
  for (const [name, value] of Object.entries(data.cookies)) {
    const seconds = value ? 31536000 : 0
    document.cookie =
      `${name}=${encodeURIComponent(value)}; path=/; max-age=${seconds}; samesite=lax`
  }

  const closeOnPhone = (event) => {
    if (window.innerWidth >= NARROW || !event.target.closest?.(GOES)) return
    document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
  }
  document.addEventListener("click", closeOnPhone)
  return () => document.removeEventListener("click", closeOnPhone)
}
"""
# The sidebar is as high as the window: what is marked as `scrolls` takes the room that the rest
# leaves, and the foot stays at the lower edge.
CSS = """
<style>
[data-testid=stSidebarContent] { display: flex; flex-direction: column; }
[data-testid=stSidebarHeader], [data-testid=stSidebarNav] { flex: none; }
[data-testid=stSidebarUserContent] { padding-bottom: 0; }
[data-testid=stSidebarUserContent], [data-testid=stSidebarUserContent] > div {
  flex: 1 0 auto; display: flex; flex-direction: column; }
[data-testid=stSidebarUserContent] > div > [data-testid=stVerticalBlock] {
  flex: 1 0 auto; gap: .5rem; }
[data-testid=stSidebarUserContent] [data-testid=stLayoutWrapper]:has(> .st-key-scrolls) {
  flex: 1 0 12rem; height: 12rem; overflow: hidden auto; scrollbar-width: thin; }
[data-testid=stLayoutWrapper]:has(> .st-key-sidebar-foot) { margin-top: auto; flex: none; }
.st-key-sidebar-foot { padding: .25rem 0 .75rem; max-height: 25vh; overflow-y: auto; }
</style>
"""


def arrange_sidebar() -> None:
    """Its layout; called before anything is drawn in it, so that nothing jumps."""
    st.html(CSS)


def show_sidebar_foot(settings: Settings) -> None:
    """Jobs, and the choice of language and theme, at the lower edge of the sidebar."""
    with st.container(key="sidebar-foot", gap="small"):
        show_jobs(settings)
        show_account()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            language_switch()
            _theme_switch()


def _theme_switch() -> None:
    dark = st.context.theme.type == "dark"
    data = {
        "dark": dark,
        "label": both("Light", "浅色") if dark else both("Dark", "深色"),
        "cookies": _chosen_cookies(),
    }
    switch = st.components.v2.component("appearance", html=BUTTON, css=STYLE, js=SCRIPT)
    switch(key="appearance", data=data, width="content")


def _chosen_cookies() -> dict[str, str]:
    """What was chosen in this session, for the next one."""
    space = st.session_state.get("space")
    chosen = {
        LANGUAGE_COOKIE: st.session_state.get("language"),
        SPACE_COOKIE: OWN_SPACE if space == OWN else space,
    }
    return {name: value for name, value in chosen.items() if value is not None}
