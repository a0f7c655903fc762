"""Batches on the page Improve: where each stands, and the one button that does its next step."""

from __future__ import annotations

from typing import Any

import streamlit as st

from agents.loop.batches import freeze, waiting
from agents.loop.steps import next_step
from agents.loop.ui.made import STATES, state_words
from workbench.artefacts.batch import PROMOTED, Batch, list_batches
from workbench.jobs.job import Job, list_jobs, start
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.jobs import progress_of
from workbench.ui.opening import chat_button, open_for
from workbench.ui.widgets import (
    announce,
    both,
    cancel_button,
    plain,
    sentence,
    show_error,
    shows_errors,
)

LOOKED_AT = 50  # newest jobs
ARMS = {"in use": ("in use", "当前"), "candidate": ("candidate", "候选")}


def show_batches(settings: Settings) -> None:
    """Every batch that goes on, then the ended ones, folded."""
    batches = list_batches(settings)
    _use_promoted(batches)
    for batch in batches:
        if not batch.ended:
            _show(batch, settings)
    ended = [batch for batch in batches if batch.ended]
    if ended:
        label = both(f"Ended batches ({len(ended)})", f"已结束的批次（{len(ended)}）")
        newest_first_open = len(ended) == len(batches)
        with st.expander(label, expanded=newest_first_open, key="ended_batches"):
            for batch in ended:
                _show(batch, settings)


def offer_batch(settings: Settings) -> None:
    """The button that freezes what is accepted, where something is."""
    count = len(waiting(settings))
    if not count:
        return
    label = both(f"Make a batch of {count} accepted", f"将 {count} 条已采纳的内容组成批次")
    if st.button(label, type="primary", icon=":material/inventory_2:", key="make_batch"):
        with shows_errors():
            batch = freeze(settings)
            announce(
                both(
                    f"{batch.name} is frozen; its next step is to train.",
                    f"{batch.name} 已冻结，下一步是训练。",
                )
            )
            st.rerun()


def _show(batch: Batch, settings: Settings) -> None:
    facts = batch.facts
    with st.container(border=True, key=f"batch-{batch.name}"):
        _, colour = STATES.get(batch.state, ((), "gray"))
        st.markdown(
            f"**{plain(batch.name)}** :{colour}-badge[{plain(state_words(batch.state))}] "
            f":small[{_counts(facts)}]"
        )
        _show_left_out(facts)
        if facts.get("reason"):
            st.markdown(sentence(facts["reason"]))
        _show_results(facts)
        job = _running(batch, settings)
        if job:
            st.fragment(_watch, run_every=1.0)(batch, job, settings)
            return
        if facts.get("problem"):
            show_error(facts["problem"], facts.get("fix", ""))
        _show_next(batch, settings)
        if batch.state == PROMOTED:
            chat_button(facts["model"], f"chat-{batch.name}", first=True)


def _counts(facts: dict[str, Any]) -> str:
    rows = facts.get("rows", {})
    parts = [both(f"{rows.get('sft', 0):d} answers", f"{rows.get('sft', 0):d} 条回答")]
    if rows.get("preferences"):
        pairs = rows["preferences"]
        parts.append(both(f"{pairs:d} pairs", f"{pairs:d} 对偏好"))
    if rows.get("held_out"):
        held = rows["held_out"]
        parts.append(both(f"{held:d} held out", f"留出 {held:d} 条"))
    if facts.get("run"):
        parts.append(both("run ", "训练 ") + plain(facts["run"]))
    if facts.get("model"):
        parts.append(plain(facts["model"]))
    return " · ".join(parts)


def _show_left_out(facts: dict[str, Any]) -> None:
    left_out = facts.get("left_out") or []
    if not left_out:
        return
    count = len(left_out)
    label = both(f"{count} left out of training", f"{count} 条未用于训练")
    with st.expander(label, icon=":material/block:"):
        for number, reason in left_out:
            st.caption(f"{plain(number)}: {sentence(reason)}")


def _show_results(facts: dict[str, Any]) -> None:
    """Right answers of both arms, for what was taught and for what was held out."""
    results = facts.get("results")
    if not results:
        return
    names = {
        "taught": both("Corrections (taught)", "更正（已学习）"),
        "held out": both("Held-out questions", "留出的问题"),
    }
    rows = []
    for kind, result in results.items():
        row = {both("Questions", "问题"): names[kind]}
        for side, arm in facts["arms"].items():
            score = result["arms"][arm]
            row[both(*ARMS[side])] = f"{score['correct']} / {score['n']}"
        rows.append(row)
    st.dataframe(rows, hide_index=True)


def _running(batch: Batch, settings: Settings) -> Job | None:
    wanted = ["loop", "next", batch.name]
    for job in list_jobs(settings)[:LOOKED_AT]:
        if job.command[:3] == wanted and job.state == "running":
            return job
    return None


def _watch(batch: Batch, job: Job, settings: Settings) -> None:
    """The step while it runs; the whole page once it has ended."""
    if job.state != "running":
        st.rerun()
    st.progress(*progress_of(job))
    cancel_button(job, both("Cancel", "取消"), f"cancel-step-{batch.name}")


def _show_next(batch: Batch, settings: Settings) -> None:
    step = next_step(batch)
    if step is None:
        return
    title = both(*step.title)
    key = f"step-{batch.name}"
    pressed = st.button(plain(title), type="primary", icon=":material/play_arrow:", key=key)
    after = agreed(settings, key, pressed)
    if after is None:
        return
    start(settings, f"{batch.name}: {title}", ["loop", "next", batch.name, "--json"], after=after)
    st.rerun()


def _use_promoted(batches: list[Batch]) -> None:
    """Have this session's chat ask what was promoted while the page was open."""
    promoted = {batch.name for batch in batches if batch.state == PROMOTED}
    known = st.session_state.get("promoted_batches")
    st.session_state["promoted_batches"] = promoted
    if known is None:
        return
    for batch in batches:
        if batch.name in promoted - known:
            open_for("choose", batch.facts["model"])
