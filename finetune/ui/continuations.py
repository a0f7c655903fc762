"""Pieces of the Training page: how base and run go on from the same words, and how well."""

from __future__ import annotations

from typing import Any

import streamlit as st

from finetune.run.metrics import read_metrics
from finetune.run.run_state import RunNow
from finetune.run.runs import CONTINUATIONS
from workbench.jobs.job import list_jobs, start
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.widgets import both, plain

COUNT = 5
SIDES = (("before", ("Before: the base", "训练前：基础模型")), ("after", ("After", "训练后")))


def show_perplexity(rows: list[dict[str, Any]]) -> None:
    """The perplexity of the held-out text, at first and by now, where it is measured."""
    measured = [row for row in rows if "perplexity" in row]
    if not measured:
        return
    first, last = measured[0], measured[-1]
    token, character = (
        f"{first[key]:.2f} → {last[key]:.2f}" for key in ("perplexity", "perplexity_per_character")
    )
    steps = f"{first['step']:d} → {last['step']:d}"
    st.caption(
        both(
            f"Held-out text, steps {steps}: perplexity {token} for each token, {character} for "
            "each character.",
            f"留出文本，第 {steps} 步：困惑度每词元 {token}，每字符 {character}。",
        )
    )


def show_continuations(settings: Settings, now: RunNow) -> None:
    """The newest samples side by side, and the form that makes others; for a run on texts."""
    if now.run.talks or now.state == "running" or not now.run.can_be_asked:
        return
    st.markdown(f"**{both('Before and after', '训练前后对比')}**")
    kept = read_metrics(now.run.folder / CONTINUATIONS)
    if kept:
        _show_sides(kept[-1])
    _offer_samples(settings, now)


def _show_sides(found: dict[str, Any]) -> None:
    st.caption(plain(both(f"Going on from: {found['prompt']}", f"接着写：{found['prompt']}")))
    columns = st.columns(2)
    for column, (side, title) in zip(columns, SIDES, strict=True):
        with column.container(border=True):
            st.markdown(f"**{plain(both(*title))}**")
            score = found[f"perplexity_{side}"]
            if score is not None:
                st.caption(_score_words(score, found["per"]))
            for number, text in enumerate(found[side], 1):
                st.markdown(f"{number}\\. {plain(' '.join(text.split()))}")


def _score_words(score: float, per: str) -> str:
    if per == "character":
        return both(f"perplexity {score:.2f} for each character", f"困惑度每字符 {score:.2f}")
    return both(f"perplexity {score:.2f} for each token", f"困惑度每词元 {score:.2f}")


def _offer_samples(settings: Settings, now: RunNow) -> None:
    name = now.run.name
    if _sampling(settings, name):
        st.fragment(_await_samples, run_every=2.0)(settings, name)
        return
    with st.form(f"samples_{name}", border=False):
        prompt = st.text_input(
            both("Words to go on from", "开头的文字"),
            placeholder=both("At dawn the harbour", "却说宝玉"),
            key=f"samples_prompt_{name}",
        ).strip()
        wanted = st.form_submit_button(both("Sample both", "双方各写几段"), icon=":material/draw:")
    if wanted and not prompt:
        st.info(both("Write some words to go on from.", "请先写几个字作为开头。"))
    after = agreed(settings, f"samples_of_{name}", wanted and bool(prompt))
    if after is None:
        return
    command = ["finetune", "samples", name, f"--prompt={prompt}", "-n", str(COUNT), "--json"]
    title = both(f"Samples of {name}", f"{name} 的样例")
    start(settings, title, command, after=after)
    st.rerun()


def _sampling(settings: Settings, name: str) -> bool:
    """Whether a job makes samples of the run now."""
    return any(
        job.state == "running" and job.command[:3] == ["finetune", "samples", name]
        for job in list_jobs(settings)
    )


def _await_samples(settings: Settings, name: str) -> None:
    if not _sampling(settings, name):
        st.rerun()
    st.caption(both("Sampling… it will appear here.", "正在生成，完成后会显示在这里。"))
