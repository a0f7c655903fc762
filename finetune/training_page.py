"""Training: choose data and a base, check and start a run in the background, watch it learn, stop it and go on."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import streamlit as st

from finetune.check import Report, check
from finetune.run_file import Choices, write_run_file
from finetune.runs import Run, list_runs
from finetune.training_widgets import show_curve, show_progress, show_samples
from workbench.jobs import Job, list_jobs, start
from workbench.settings import Settings
from workbench.uploads import safe_name, save_uploads
from workbench.widgets import (
    choices,
    language_switch,
    page_settings,
    plain,
    say,
    show_error,
    show_jobs,
    shows_errors,
    told,
    translate_uploader,
)

UPLOADS = "_training"
SAVES_WITHIN = 600  # seconds that a step and its checkpoint may take before a cancelled training is ended hard
STATES = {
    "running": ("Learning", "训练中"),
    "done": ("Finished", "已完成"),
    "failed": ("Failed", "失败"),
    "cancelled": ("Cancelled", "已取消"),
    "interrupted": ("Broken off", "已中断"),
    "stopped": ("Not finished", "未完成"),
}


def page() -> None:
    settings = page_settings()
    translate_uploader()
    with st.sidebar:
        show_jobs(settings)
        language_switch()
    st.title(say("Training", "训练"))
    runs, jobs = list_runs(settings), training_jobs(settings)
    if not runs and not jobs:
        _show_empty(settings)
        return
    watch, new = st.tabs([say("Runs", "训练记录"), say("New run", "新建训练")])
    with watch:
        _show_runs(runs, jobs)
    with new:
        _show_new(settings)


def training_jobs(settings: Settings) -> dict[str, Job]:
    """The newest job of each run, by the run's name."""
    found: dict[str, Job] = {}
    for job in list_jobs(settings):
        if job.command[:1] == ["demo"]:
            found.setdefault("crew", job)
        elif job.command[:2] == ["finetune", "train"]:
            found.setdefault(Path(job.command[2]).stem, job)
    return found


def _show_empty(settings: Settings) -> None:
    st.markdown(
        say(
            "Teach a model what you know: questions and answers, dialogues, or a table of records. The example makes a small "
            "model on this computer and teaches it ten made-up people in Chinese and English; it takes a minute or two.",
            "用你的问答、对话或表格记录来微调模型。示例会在本机生成一个小模型，并用中英文教它认识十个虚构人物，大约需要一两分钟。",
        )
    )
    if st.button(say("Train the example", "训练示例"), type="primary", icon=":material/school:"):
        start(settings, say("Training the example", "正在训练示例"), ["demo", "--json"])
        st.rerun()
    _show_new(settings)


def _show_runs(runs: list[Run], jobs: dict[str, Job]) -> None:
    names = list(
        dict.fromkeys([*(name for name, job in jobs.items() if job.state == "running"), *(r.name for r in runs)])
    )
    if not names:
        st.info(say("The run is being prepared.", "正在准备训练。"))
        names = list(jobs)
    name = st.selectbox(say("Run", "训练"), names, key="shown_run")
    run, job = next((run for run in runs if run.name == name), None), jobs.get(name)
    running = bool(job and job.state == "running")
    st.fragment(_watch, run_every=1.5 if running else None)(name, run, job, running)


def _watch(name: str, run: Run | None, job: Job | None, was_running: bool) -> None:
    """The run as it is now; the whole page is drawn again when it begins, or has ended."""
    state = job.state if job else "done" if run and run.finished else "stopped"
    if was_running and (state != "running" or (run is None and (job_run := _run_of(job)) is not None and job_run.card)):
        st.rerun()
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"**{plain(name)}** · {say(*STATES[state])}")
    with right:
        _show_action(name, run, job, state)
    if job and state == "running":
        show_progress(job)
    elif job and state == "failed":
        last, unknown = job.last(), say("It ended without a reason.", "任务未说明原因即结束。")
        show_error(last.get("problem") or job.log(1) or unknown, last.get("fix", ""))
    if not run:
        return
    _show_facts(run)
    show_curve(run)
    show_samples(run)
    if job and (log := job.log(50)):
        with st.expander(say("Log", "日志")):
            st.code(log, language=None)


def _run_of(job: Job | None) -> Run | None:
    """The run's folder, once the job has made it."""
    told = next((event["run"] for event in job.output() if "run" in event), "") if job else ""
    return Run(Path(told)) if told else None


def _show_action(name: str, run: Run | None, job: Job | None, state: str) -> None:
    if state == "running" and job:
        if (job.folder / "cancel").exists():
            st.caption(say("Saving and stopping…", "正在保存并停止…"))
        elif st.button(say("Cancel", "取消"), icon=":material/stop:", key="cancel_run"):
            Thread(target=job.cancel, args=(SAVES_WITHIN,), daemon=True).start()  # the page does not wait for it
            st.rerun()
    elif state == "done" and run:
        if st.button(say("Ask it", "去提问"), icon=":material/forum:", key="ask_run", type="primary"):
            choices()["tuned"] = f"local:{name}"
            st.switch_page("agents/chat_page.py")
    elif st.button(say("Go on", "继续训练"), icon=":material/play_arrow:", key="resume_run"):
        with shows_errors():
            if job:
                job.resume()
            else:
                _start(page_settings(), name, ["finetune", "train", name, "--resume", "--json"])
            st.rerun()


def _show_facts(run: Run) -> None:
    card = run.card
    data = card.get("data", {})
    facts = [
        say(f"base {card.get('base', '?')}", f"基础模型 {card.get('base', '?')}"),
        card.get("method", ""),
        say(f"{data['train']['rows']} conversations", f"{data['train']['rows']} 条对话") if data else "",
        say(f"loss {card['loss']:.4f}", f"损失 {card['loss']:.4f}") if card.get("loss") is not None else "",
        *(say(f"{name}: {score['exact']:.1%} exact", f"{name}：完全正确 {score['exact']:.1%}")
          for name, score in card.get("scores", {}).items()),
    ]  # fmt: skip
    st.caption(" · ".join(plain(fact) for fact in facts if fact))


def _show_new(settings: Settings) -> None:
    with st.form("new_run", border=False):
        name = st.text_input(say("Name of the run", "训练名称"), placeholder="service-desk", key="new_run_name").strip()
        base = _choose_base(settings)
        files = st.file_uploader(
            say("Data: JSON, JSON lines, CSV or XLSX with questions and answers, or dialogues",
                "数据：含问答或对话的 JSON、JSON lines、CSV、XLSX"),
            accept_multiple_files=True, key="new_run_files",
        )  # fmt: skip
        kept = sorted(path.name for path in settings.folder("uploads", UPLOADS).iterdir())
        again = st.multiselect(say("Or files uploaded before", "或选择以前上传的文件"), kept) if kept else []
        with st.expander(say("Settings", "参数")):
            chosen = _choose_settings()
        sent = st.form_submit_button(say("Check", "检查"), type="primary")
    if sent:
        with shows_errors():
            folder = settings.folder("uploads", UPLOADS)
            data = [*save_uploads(settings, UPLOADS, list(files or [])), *(folder / safe_name(one) for one in again)]
            st.session_state["run_file"] = str(write_run_file(settings, name, base, data, chosen))
    if path := st.session_state.get("run_file"):
        _show_check(settings, Path(path))


def _choose_base(settings: Settings) -> str:
    bases = sorted({path.parent for pattern in ("models/*/config.json", "demo/base/config.json")
                    for path in settings.home.glob(pattern)})  # fmt: skip
    return st.selectbox(
        say("Base model: one of the workspace, or a folder, hub name or modelscope:NAME",
            "基础模型：工作区中的模型，或文件夹、模型库名称、modelscope:名称"),
        [str(base) for base in bases], accept_new_options=True, index=0 if bases else None, key="new_run_base",
        placeholder="modelscope:Qwen/Qwen2.5-0.5B-Instruct",
    ) or ""  # fmt: skip


def _choose_settings() -> Choices:
    first, second = st.columns(2)
    return Choices(
        epochs=first.number_input(say("Epochs", "轮数"), 1, 1000, 3, help=say("passes over the data", "遍历数据的次数")),
        learning_rate=float(second.selectbox(
            say("Learning rate", "学习率"), ["5e-5", "1e-4", "2e-4", "1e-3", "3e-3"], index=1,
            help=say("1e-4 suits models of billions of parameters, 3e-3 a small one", "大模型用 1e-4，小模型可用 3e-3"),
        )),
        rank=first.number_input(say("LoRA rank", "LoRA 秩"), 1, 512, 8),
        batch=second.number_input(say("Batch", "批大小"), 1, 512, 8),
        max_length=first.number_input(say("Longest conversation, in tokens", "对话最大长度（词元）"), 16, 131072, 1024),
        held_out=second.number_input(say("Share held out to measure", "留出评测的比例"), 0.0, 0.5, 0.1, 0.05),
        packing=first.toggle(say("Pack short conversations together", "合并短对话"), True),
        system=second.text_input(say("System prompt", "系统提示词")),
    )  # fmt: skip


def _show_check(settings: Settings, path: Path) -> None:
    report = check(path)
    for one in report.problems:
        show_error(f"{one['where']}: {one['problem']}", one["fix"])
    for warning in report.warnings:
        st.warning(plain(told(warning)), icon=":material/warning:")
    if report.problems:
        return
    _show_estimate(report)
    if st.button(say("Start", "开始训练"), type="primary", icon=":material/play_arrow:", key="start_run"):
        st.session_state.pop("run_file")
        _start(settings, path.stem, ["finetune", "train", str(path), "--json"])
        st.rerun()


def _start(settings: Settings, name: str, command: list[str]) -> None:
    start(settings, say(f"Training {name}", f"正在训练 {name}"), command)
    st.session_state.pop("shown_run", None)


def _show_estimate(report: Report) -> None:
    if cost := report.estimate:
        minutes = cost["minutes"]
        time = say(f", about {minutes:.0f} minutes", f"，约 {minutes:.0f} 分钟") if minutes is not None else ""
        st.info(
            say(f"{cost['steps']} steps, about {cost['memory_gb']} GB of memory{time}.",
                f"共 {cost['steps']} 步，约需 {cost['memory_gb']} GB 内存{time}。")
        )  # fmt: skip


page()
