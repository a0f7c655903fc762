"""What the account of a source may do, with the statements for one that only reads."""

from __future__ import annotations

import streamlit as st

from agents.databases.rights import Rights, sentence
from workbench.ui import text
from workbench.ui.widgets import both


def show_account(rights: Rights) -> None:
    """A warning with statements to copy where the account can write; else one quiet line."""
    said = text.sentence(sentence(rights))
    if not rights.can_write:
        st.caption(said)
        return
    st.warning(said, icon=":material/edit_off:")
    with st.expander(both("How to make a reader", "如何创建只读账号")):
        st.code("\n".join(rights.reader), language="sql", wrap_lines=True)
        st.caption(
            both(
                "An administrator of the server runs this, with a password of their own choice. "
                "Then remove the source and add it again as workbench_reader.",
                "由服务器管理员执行，并设置密码。"
                "之后移除该数据源，再以 workbench_reader 账号重新添加。",
            )
        )
