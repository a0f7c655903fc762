"""The login page: a form and nothing else, which loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from workbench.language import localized
from workbench.login.outside import ALONE
from workbench.login.paths import WITH

TEMPLATE = Path(__file__).with_name("page.html")
LANGUAGES = {"en": "English", "zh": "中文"}  # each in its own script
TEXTS = {
    "heading": ("Sign in to Workbench", "登录 Workbench"),
    "name": ("Name", "用户名"),
    "password": ("Password", "密码"),
    "enter": ("Sign in", "登录"),
    "help": (
        "No account, or no password any more? Ask whoever looks after this Workbench.",
        "没有账号或忘记了密码？请联系 Workbench 的管理员。",
    ),
}


def login_page(
    language: str,
    *,
    token: str,
    name: str = "",
    problem: str = "",
    next_path: str = "/",
    providers: Sequence[str] = (),
) -> str:
    """The page in that language; `problem` is what stands over the form."""
    texts = {key: escape(localized(language, *pair)) for key, pair in TEXTS.items()}
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        texts,
        language={"zh": "zh-CN"}.get(language, "en"),
        token=escape(token),
        given=escape(name),
        next_path=escape(next_path),
        name_focus="" if name else " autofocus",
        password_focus=" autofocus" if name else "",
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        providers="".join(_provider(language, name) for name in providers),
        languages=_languages(language, next_path),
    )


def _provider(language: str, name: str) -> str:
    """The way to a provider: the one that has no name, or one by its name."""
    label = localized(language, "Sign in with your organisation", "通过组织账号登录")
    if name != ALONE:
        label = localized(language, f"Sign in with {name.title()}", f"通过 {name.title()} 登录")
    return f'<a class="other" href="{WITH}?provider={escape(name)}">{escape(label)}</a>'


def _languages(language: str, next_path: str) -> str:
    links = []
    for code, label in LANGUAGES.items():
        here = ' aria-current="true"' if code == language else ""
        links.append(f'<a href="?language={code}&amp;next={escape(next_path)}"{here}>{label}</a>')
    return "".join(links)
