"""The dialog's tab for OpenAI-compatible servers: each by a name, an address and maybe a key."""

from __future__ import annotations

import streamlit as st

from workbench.connections import Server, read_connections
from workbench.machine_keyring import has_keyring, mark_of
from workbench.models.connecting import connect_server, described_server, forget_server
from workbench.models.keys import key_of, variable_of
from workbench.models.trying import ask_one_token, models_of
from workbench.settings import Settings
from workbench.ui.changes import announce
from workbench.ui.confirm import confirmed
from workbench.ui.dialog import shut_dialog
from workbench.ui.models import choose_model, look_again
from workbench.ui.session import both, choices
from workbench.ui.text import plain, shows_errors

HELD = "held"  # a key for this session, where no keyring keeps it
OWN = "own"  # the person exports it


def server_tab(settings: Settings) -> None:
    if settings.openai_base_url:
        st.caption(
            both(
                f"{plain(settings.openai_base_url)} is set by WORKBENCH_OPENAI_BASE_URL.",
                f"{plain(settings.openai_base_url)} 由 WORKBENCH_OPENAI_BASE_URL 设定。",
            )
        )
    for name, server in read_connections(settings.home).servers.items():
        _row(name, server, settings)
    _form(settings)


def _row(name: str, server: Server, settings: Settings) -> None:
    has_key = bool(key_of(name, server).get_secret_value())
    key = both("with a key", "有密钥") if has_key else both("without a key", "无密钥")
    with st.container(horizontal=True, vertical_alignment="center", key=f"server-{name}"):
        st.markdown(f"{plain(name)} :gray[{plain(server.base_url)} · {key}]", width="stretch")
        question = both(f"Forget {name} and its key?", f"移除 {name} 及其密钥？")
        if confirmed(question, f"forget-{name}"):
            with shows_errors():
                forget_server(name, settings)
                look_again()
                if choices().get("model", "").startswith(f"openai:{name}/"):
                    choose_model("auto")
                st.rerun(scope="fragment")


def _form(settings: Settings) -> None:
    with st.form("server", border=False):
        left, right = st.columns([1, 2])
        name = left.text_input(both("Name", "名称"), placeholder="vllm", key="server_name")
        address = right.text_input(
            both("Address", "地址"), placeholder="http://127.0.0.1:8000/v1", key="server_address"
        )
        key, keep = _key_fields(name, settings)
        with st.container(horizontal=True):
            test = st.form_submit_button(both("Test", "测试"), icon=":material/network_check:")
            save = st.form_submit_button(
                both("Save", "保存"), type="primary", icon=":material/check:"
            )
    if test:
        with shows_errors():
            _test(name, address, key, settings)
    if save:
        with shows_errors():
            _save(name, address, key, keep, settings)


def _key_fields(name: str, settings: Settings) -> tuple[str, bool]:
    """(what was typed as the key, whether the keyring keeps it)."""
    variable = variable_of(name.strip().lower() or "name", mark_of(settings.home))
    keeps = has_keyring()
    key = st.text_input(
        both("Key, where the server wants one", "密钥（服务需要时填写）"),
        type="password",
        key="server_key",
        autocomplete="off",
    )
    if keeps:
        st.caption(both("Kept in this machine's keyring.", "保存在本机的密钥环中。"))
        return key, True
    options = {
        HELD: both("Keep it until the app is stopped", "保留到应用停止为止"),
        OWN: both(f"I export it as {plain(variable)}", f"由我设为环境变量 {plain(variable)}"),
    }
    chosen = st.radio(
        both("This machine has no keyring for secrets", "本机没有可保存密钥的密钥环"),
        list(options),
        format_func=options.__getitem__,
        key="server_keeping",
    )
    return (key if chosen == HELD else ""), False


def _test(name: str, address: str, key: str, settings: Settings) -> None:
    server = described_server(name or "server", address, key, settings)
    models = models_of(server)
    name_of_it = plain(models[0])
    with st.spinner(
        both(f"Asking {name_of_it} for one token…", f"正在向 {name_of_it} 请求一个词元…")
    ):
        seconds = ask_one_token(server, models[0])
    st.success(
        both(
            f"{plain(models[0])} answered in {seconds:.1f} s. Models: {plain(', '.join(models))}",
            f"{plain(models[0])} 在 {seconds:.1f} 秒内回答。模型：{plain('、'.join(models))}",
        ),
        icon=":material/check:",
    )


def _save(name: str, address: str, key: str, keep: bool, settings: Settings) -> None:
    server = connect_server(name, address, key, settings, keep)
    chosen = server.named(models_of(server)[0])
    choose_model(chosen)
    st.session_state.pop("server_key", None)
    announce(
        both(
            f"{server.name} is connected. The chat asks {chosen} now.",
            f"{server.name} 已连接，对话现在使用 {chosen}。",
        )
    )
    shut_dialog()
    st.rerun()
