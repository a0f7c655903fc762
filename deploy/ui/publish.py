"""Pieces of the Models page: a publish job step by step, and one published version with its
actions.
"""

from __future__ import annotations

import streamlit as st

from deploy.order import STEPS
from deploy.versions import Version, promote, publishing, remove
from workbench.jobs.ending import why_ended
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings
from workbench.ui.opening import chat_button, open_for
from workbench.ui.translation import in_chinese
from workbench.ui.widgets import (
    announce,
    both,
    cancel_button,
    plain,
    sentence,
    show_error,
    shows_errors,
)

STEP_NAMES = {
    "check": ("Check run and server", "检查训练结果与服务器"),
    "convert": ("Write the GGUF file", "生成 GGUF 文件"),
    "upload": ("Upload", "上传"),
    "create": ("Create the model", "创建模型"),
    "prove": ("Prove that it answers as trained", "验证回答与训练时一致"),
    "promote": ("Make it the latest version", "设为最新版本"),
}
WATCHED = "watched_publish"


def show_publish_job(settings: Settings) -> None:
    """The newest publish of this workspace, until it is put away; redraws itself while it runs."""
    job = newest_publish(settings)
    if not job or job.seen:
        return
    if job.state == "running":
        st.session_state[WATCHED] = job.id
        st.fragment(_watch, run_every=1.0)(job)
        return
    if st.session_state.pop(WATCHED, "") == job.id:
        _choose_published(job)
    _show(job)


def newest_publish(settings: Settings) -> Job | None:
    """The job that was started last, among those that publish."""
    for job in list_jobs(settings):
        if job.command[:2] == ["deploy", "publish"]:
            return job
    return None


def _watch(job: Job) -> None:
    if job.state != "running":
        st.rerun()
    _show(job)


def _choose_published(job: Job) -> None:
    """A model whose publishing the person has seen is the one that the chat asks next."""
    model = job.last().get("model")
    if job.state != "done" or not model:
        return
    open_for("choose", f"ollama:{model}")
    announce(
        both(
            f"{model} is published, and chosen in the chat.",
            f"已发布 {model}，并已在对话中选中。",
        )
    )
    st.rerun()


def _show(job: Job) -> None:
    """The steps with the present one, and then the proof or the problem."""
    state = job.state
    last = job.last()
    now = {"step": "check"}
    for event in job.output():
        if "step" in event:
            now = event
    name = job.command[job.command.index("--name") + 1]
    with st.container(border=True, key="publish-job"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(publish_title(job.command[2], name))}**")
            if state == "running":
                cancel_button(job, both("Cancel", "取消"), "cancel_publish")
            elif st.button(both("Put away", "收起"), type="tertiary", key="put_away"):
                job.put_away()
                st.rerun()
        if state == "done":
            _show_success(name, last)
            return
        steps = STEPS[:2] if "--gguf-only" in job.command else STEPS
        for step in steps:
            _show_step(step, now, state)
        if state == "cancelled":
            st.caption(both("Cancelled; nothing was left behind.", "已取消，没有残留。"))
        elif state != "running":
            _show_failure(job)


def publish_title(run: str, name: str) -> str:
    return both(f"Publishing {run} as {name}", f"正在将 {run} 发布为 {name}")


def _show_step(step: str, now: dict, state: str) -> None:
    reached = STEPS.index(now["step"])
    place = STEPS.index(step)
    if place < reached:
        icon = ":material/check_circle:"
    elif place > reached:
        icon = ":material/radio_button_unchecked:"
    else:
        icon = ":material/pending:" if state == "running" else ":material/error:"
    st.markdown(f"{icon} {both(*STEP_NAMES[step])}")
    if place == reached and state == "running" and "share" in now:
        st.progress(now["share"], f"{now['share']:.0%}")


def _show_success(name: str, last: dict) -> None:
    if "model" not in last:
        st.success(
            both("Written: ", "已生成：") + sentence(f"`{last.get('gguf', '')}`"),
            icon=":material/check:",
        )
        command = f"ollama create {name} -f {last.get('modelfile', '')}"
        st.code(command, language="bash")
        return
    st.success(
        f"{plain(last['model'])} · {plain(proof_words(last['proof']))}", icon=":material/verified:"
    )
    form = form_words(last)
    if form:
        st.caption(plain(form))
    chat_button(f"ollama:{last['model']}", "chat_published", first=True)


def _show_failure(job: Job) -> None:
    show_error(*why_ended(job))
    if st.button(
        both("Go on from this step", "从这一步重试"),
        icon=":material/refresh:",
        key="retry_publish",
    ):
        job.resume()
        st.rerun()


def show_version(settings: Settings, version: Version) -> None:
    """One line of facts, the proof, and: chat, make it the latest, remove."""
    card = version.card
    mark = ""
    if version.latest:
        mark = f" :green-badge[{both('latest', '当前版本')}]"
    tag = sentence(f"`{version.tag}`")
    st.markdown(f"{tag}{mark} {plain(card['precision'])} · {plain(proof_words(card['proof']))}")
    made = both(
        f"from {card['run']}, {card['created'][:10]}", f"来自 {card['run']}，{card['created'][:10]}"
    )
    st.caption(plain(" · ".join(filter(None, [made, card["host"], form_words(card)]))))
    with st.container(horizontal=True):
        chat_button(f"ollama:{version.tag}", f"chat-{version.tag}")
        with st.popover(both("Proof", "验证报告"), icon=":material/fact_check:"):
            show_proof(version)
        if not version.latest and st.button(
            both("Make it the latest", "设为当前版本"), key=f"promote-{version.tag}"
        ):
            with shows_errors(), publishing(settings, version.name):
                promote(version)
                st.rerun()
        with st.popover(both("Remove", "移除"), icon=":material/delete:"):
            host = plain(card["host"])
            st.markdown(both(f"Remove {tag} from {host}?", f"确定从 {host} 移除 {tag}？"))
            if st.button(
                both("Remove it", "确定移除"), type="primary", key=f"remove-{version.tag}"
            ):
                with shows_errors(), publishing(settings, version.name):
                    remove(settings, version)
                    st.rerun()


def show_proof(version: Version) -> None:
    """Every conversation of the proof, and where it parted if it did."""
    rows = []
    for check in version.proof["checks"]:
        changes = check["changes"]
        row = {
            both("Question", "问题"): check["question"],
            both("Same", "一致"): not check["part"],
            both("Differs in", "差异"): check["part"],
            both("Log-probability apart", "对数概率差"): sum(changes) / max(len(changes), 1),
        }
        rows.append(row)
    st.dataframe(rows, hide_index=True)
    st.caption(plain(f"GGUF sha256 {version.card['gguf_sha256']}"))


def proof_words(proof: dict) -> str:
    """A proof's summary in a line."""
    share = f"{proof['identical']:.0%}"
    count = proof["prompts"]
    return both(
        f"{share} of {count} conversations word for word as trained",
        f"{count} 组对话中 {share} 与训练时逐词一致",
    )


def form_words(card: dict) -> str:
    """Whether base and adapter were merged, and why; empty where there was no choice."""
    on = card.get("adapter_on")
    if on:
        size = f"{card['gguf_bytes'] / 1e6:.1f} MB"
        return both(f"only the adapter ({size}), on {on[0]}", f"仅适配器（{size}），基于 {on[0]}")
    because = card.get("merged_because")
    if not because:
        return ""
    return both(f"merged: {because}", f"合并发布：{in_chinese(because)}")
