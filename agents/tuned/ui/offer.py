"""A first tuned model by one click."""

from __future__ import annotations

import streamlit as st

from agents.tuned.agent import talking_runs
from workbench.settings import Settings
from workbench.ui.widgets import both, offer_example_model


def offer_tuned_model(settings: Settings) -> bool:
    """Draw the offer where no run can talk yet; whether it was taken."""
    if talking_runs(settings):
        return False
    with st.container(border=True, key="offer"):
        st.markdown(
            both(
                "**No model is tuned yet.** Teach a small one what an example holds, and compare "
                "it with your documents.",
                "**还没有微调模型。** 先用示例教一个小模型，再与文档对比。",
            )
        )
        return offer_example_model(settings)
