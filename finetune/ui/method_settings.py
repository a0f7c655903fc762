"""The settings of the chosen method that a person may want to change, by the fields of its row."""

from __future__ import annotations

from typing import Any

import streamlit as st

from finetune.methods import METHODS
from finetune.run.advice import Advice
from workbench.ui.widgets import both

LARGEST = {"rank": 1024, "tokens": 4096}


def choose_method_settings(name: str, advice: Advice, disabled: bool, width: int) -> dict[str, Any]:
    """The chosen values, for a run file. What the method does not have is not asked for."""
    method = METHODS[name]
    fields = method.settings.model_fields
    chosen: dict[str, Any] = {}
    for setting in ("rank", "tokens"):
        if setting not in fields:
            continue
        default = advice.rank if setting == "rank" else fields[setting].default
        chosen[setting] = st.number_input(
            _label(setting),
            1,
            LARGEST[setting],
            default,
            key=f"{setting}_{method.section}_{advice.name}",
            help=_help(setting, advice),
            disabled=disabled,
            width=width,
        )
    if "projection" in fields:
        chosen["projection"] = st.selectbox(
            _label("projection"),
            [False, True],
            index=int(fields["projection"].default),
            format_func=[both("off", "关"), both("on", "开")].__getitem__,
            key=f"projection_{method.section}",
            help=_help("projection", advice),
            disabled=disabled,
            width=width,
        )
    return chosen


def method_help() -> str:
    """What tells the methods apart."""
    return both(
        "LoRA suits nearly everything: a small adapter is trained. rsLoRA keeps high ranks "
        "stable; DoRA learns a little more and takes longer; QLoRA keeps the base in four bits "
        "and saves memory. Full trains every weight: it learns most, and takes most memory and "
        "disk. P-Tuning v2, prefix and prompt tuning train a few positions before the text: "
        "tiny, and not to be published to Ollama.",
        "LoRA 几乎适合所有情况，只训练一个小适配器。rsLoRA 在高秩时更稳定；DoRA 学得略多但更慢；"
        "QLoRA 以四位保存基础模型，节省内存。全参数微调训练每个权重，学得最多，也最占内存和磁盘。"
        "P-Tuning v2、前缀微调和提示微调只训练文本之前的少量位置，体积极小，但不能发布到 Ollama。",
    )


def _label(setting: str) -> str:
    labels = {
        "rank": ("Rank", "秩"),
        "tokens": ("Virtual tokens", "虚拟词元"),
        "projection": ("Projection", "投影网络"),
    }
    return both(*labels[setting])


def _help(setting: str, advice: Advice) -> str:
    low, high = advice.rank_range
    texts = {
        "rank": (
            f"How much the adapter can hold. {low:d} to {high:d} suit a base of this size: more "
            "for many facts, less for a manner of speaking.",
            f"适配器的容量。这种大小的基础模型宜用 {low:d}–{high:d}："
            "事实多时取大，只学语气时取小。",
        ),
        "tokens": (
            "Trained positions before the text. More hold more, and leave the text less of the "
            "context: 20 for a manner of speaking, 128 for facts.",
            "文本之前训练的位置数。越多容量越大，留给文本的上下文越少："
            "只学语气用 20，学事实用 128。",
        ),
        "projection": (
            "A small network makes the positions while they are trained. It steadies a short "
            "training and takes memory; it is gone afterwards.",
            "训练时由一个小网络生成这些位置，短训练时更稳定，但更占内存；训练后不再需要。",
        ),
    }
    return both(*texts[setting])
