"""Pieces of the Training page: data, base and settings -> a checked run file -> a job."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from finetune.methods import METHODS
from finetune.run.new_run import (
    base_folders,
    check_text,
    data_files,
    free_name,
    is_small_base,
    run_name,
    start_training,
)
from finetune.run.run_text import Choices, write_run_text
from finetune.stages import STAGES
from finetune.ui.check_report import show_report
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import both, shows_errors

KINDS = ["jsonl", "json", "csv", "tsv", "xlsx", "parquet", "txt"]
SMALL_RATE = 3e-3  # suits a base of a few million parameters


def show_new_run(settings: Settings) -> None:
    with st.container(border=True, key="new-run"):
        st.subheader(both("New training", "新建训练"))
        data = _choose_data(settings)
        base = _choose_base(settings, data)
        text = _choose_settings(settings, base, data)
        name = st.text_input(
            both("Name of the run", "训练名称"),
            free_name(settings, data),
            key=f"run_name_{data}",
            help=both("Letters, digits, - _ and .", "可用字母、数字、- _ 和 ."),
        ).strip()
        checks, starts = _buttons(can_check=bool(data), can_start=bool(data and base and name))
        if checks or starts:
            with (
                shows_errors(),
                st.spinner(both("Reading data and base…", "正在读取数据和基础模型…")),
            ):
                st.session_state["training_report"] = check_text(settings, name, text)
        report = st.session_state.get("training_report")
        if not report or report["text"] != text:  # the settings have changed since
            return
        if starts and not report["problems"]:
            _start(settings, name)
        show_report(report)


def _buttons(can_check: bool, can_start: bool) -> tuple[bool, bool]:
    """Check and Start: whether each was pressed now."""
    with st.container(horizontal=True):
        checks = st.button(
            both("Check", "检查"),
            icon=":material/fact_check:",
            key="check_run",
            disabled=not can_check,
        )
        starts = st.button(
            both("Start", "开始训练"),
            type="primary",
            icon=":material/play_arrow:",
            key="start_run",
            disabled=not can_start,
        )
    return checks, starts


def _choose_data(settings: Settings) -> Path | None:
    """A file of the workspace, or one that is uploaded now."""
    uploaded = st.file_uploader(
        both(
            "Examples: dialogues, instructions, questions and answers, multiple choice "
            "(JSON, JSONL, CSV, XLSX)",
            "示例数据：对话、指令、问答、选择题（JSON、JSONL、CSV、XLSX）",
        ),
        type=KINDS,
        key="training_file",
    )
    # the uploader keeps its file over reruns: save each one once
    if uploaded and st.session_state.get("training_upload") != uploaded.file_id:
        st.session_state["training_upload"] = uploaded.file_id
        st.session_state["training_data"] = save_uploads(settings, "training", [uploaded])[0]
    files = data_files(settings)
    if not files:
        return None
    if st.session_state.get("training_data") not in files:
        st.session_state.pop("training_data", None)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    data = left.selectbox(
        both("Data file", "数据文件"),
        files,
        format_func=lambda path: path.name,
        key="training_data",
    )
    with right.popover(both("It holds records", "这是记录表"), width="stretch"):
        _offer_questions(settings, data)
    return data


def _offer_questions(settings: Settings, data: Path) -> None:
    st.markdown(
        both(
            "A table of things and their attributes becomes questions and answers, "
            "each fact in many wordings.",
            "把记录事物及其属性的表格转换成问答，每条事实生成多种问法。",
        )
    )
    if st.button(both("Turn it into questions", "转换为问答"), key="augment"):
        target = settings.folder("uploads", "training") / f"{data.stem}.questions.jsonl"
        title = both(f"Turning {data.name} into questions", f"正在把 {data.name} 转换为问答")
        command = ["finetune", "augment", str(data), "--out", str(target), "--replace", "--json"]
        start(settings, title, command)
        st.rerun()


def _choose_base(settings: Settings, data: Path | None) -> str:
    """A model folder of the workspace, what the person types, or one made of the data."""
    folders = {
        str(folder): str(folder.relative_to(settings.home)) for folder in base_folders(settings)
    }
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    base = left.selectbox(
        both("Base model", "基础模型"),
        list(folders),
        format_func=lambda path: folders.get(path, path),
        key="training_base",
        accept_new_options=True,
        placeholder=both(
            "Folder, hub name or modelscope:NAME", "文件夹、模型库名称或 modelscope:名称"
        ),
    )
    label = both("Small example base", "小型示例基础模型")
    with right.popover(label, width="stretch", disabled=not data):
        _offer_small_base(settings, data)
    return (base or "").strip()


def _offer_small_base(settings: Settings, data: Path | None) -> None:
    st.markdown(
        both(
            "Without a model at hand: a small one is made on this machine, its vocabulary taken "
            "from the data file. It knows nothing but what it is taught.",
            "手边没有模型时，可在本机生成一个小模型，词表取自数据文件。它只会学到你教它的内容。",
        )
    )
    if st.button(both("Make it", "生成"), key="make_base") and data:
        folder = settings.folder("training", "bases") / run_name(data)
        title = both(f"Making a small base of {data.name}", f"正在用 {data.name} 生成小型基础模型")
        start(settings, title, ["finetune", "make-base", str(folder), str(data), "--json"])
        st.rerun()


def _choose_settings(settings: Settings, base: str, data: Path | None) -> str:
    """The run file: written from a few choices, or as the person has edited it."""
    edits = st.session_state.get("edit_run_file", False)
    small = is_small_base(settings, base)
    text = write_run_text(_choose_numbers(base, data or Path(), small, disabled=edits))
    with st.expander(both("More settings", "更多设置")):
        if not st.toggle(both("Edit the run file", "编辑训练配置文件"), key="edit_run_file"):
            st.session_state.pop("run_text", None)
            st.code(text, language="toml")
            return text
        st.session_state.setdefault("run_text", text)
        return st.text_area(both("Run file (TOML)", "训练配置（TOML）"), key="run_text", height=480)


def _choose_numbers(base: str, data: Path, small: bool, disabled: bool) -> Choices:
    """Stage, method, and the numbers that matter most."""
    stage = Choices.stage
    if len(STAGES) > 1:
        stage = st.selectbox(
            both("Stage", "训练阶段"),
            list(STAGES),
            format_func=lambda name: both(*STAGES[name].title),
            key="stage",
            disabled=disabled,
        )
    fields = st.columns(5)
    method = fields[0].selectbox(
        both("Method", "训练方法"),
        list(METHODS),
        format_func=lambda name: both(*METHODS[name].title),
        key="method",
        disabled=disabled,
    )
    epochs = fields[1].number_input(
        both("Epochs", "训练轮数"),
        min_value=0.1,
        max_value=1000.0,
        value=Choices.epochs,
        step=1.0,
        format="%g",
        key="epochs",
        disabled=disabled,
    )
    tuning = {}
    rank = METHODS[method].settings.model_fields.get("rank")
    if rank:
        tuning["rank"] = fields[2].number_input(
            both("Rank", "秩"),
            min_value=1,
            max_value=1024,
            value=rank.default,
            key=f"rank_{METHODS[method].section}",  # another method brings its own default
            disabled=disabled,
        )
    rate = fields[3].number_input(
        both("Learning rate", "学习率"),
        min_value=1e-7,
        max_value=1.0,
        value=SMALL_RATE if small else Choices.learning_rate,
        step=1e-5,
        format="%.1e",
        key=f"learning_rate_{small}",  # another base brings its own default
        disabled=disabled,
    )
    longest = fields[4].number_input(
        both("Max length (tokens)", "最大长度（词元）"),
        min_value=8,
        max_value=1_000_000,
        value=Choices.max_length,
        key="max_length",
        disabled=disabled,
    )
    return Choices(
        base=base,
        train=data,
        epochs=epochs,
        learning_rate=rate,
        max_length=longest,
        stage=stage,
        method=method,
        tuning=tuning,
    )


def _start(settings: Settings, name: str) -> None:
    with shows_errors():
        start_training(settings, name, both(f"Training {name}", f"正在训练 {name}"))
        st.session_state["open_view"] = "runs"
        st.session_state["open_run"] = name
        st.rerun()
