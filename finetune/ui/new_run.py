"""Pieces of the Training page: data, base and settings -> a checked run file -> a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from finetune.methods import METHODS
from finetune.run.advice import Advice, advice_for, rate_for
from finetune.run.new_run import (
    base_folders,
    check_text,
    data_files,
    free_name,
    run_name,
    start_training,
    task_for,
)
from finetune.run.run_text import Choices, write_run_text
from finetune.tasks import TASKS
from finetune.ui.check_report import show_report
from finetune.ui.data_preview import LARGEST, show_rows
from finetune.ui.made import BASE, DATA, RUN, TASK, VIEW
from finetune.ui.method_settings import choose_method_settings, method_help
from workbench import chat_data
from workbench.jobs.job import Job, start
from workbench.models.packaged import KIND, find_package, list_packaged
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import announce, both, choose, plain, select, shows_errors

KINDS = ["jsonl", "json", "csv", "tsv", "xlsx", "parquet", "txt", "md"]
FIELD_WIDTH = 142  # pixels: two beside each other on a telephone


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
        after = agreed(settings, "start_run", starts and not report["problems"])
        if after is not None:
            _start(settings, name, after)
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
            "Examples: dialogues, instructions, questions and answers, multiple choice, "
            "preferences (JSON, JSONL, CSV, XLSX); or texts to pre-train on (TXT, MD, JSONL)",
            "示例数据：对话、指令、问答、选择题、偏好（JSON、JSONL、CSV、XLSX）；"
            "或用于继续预训练的文本（TXT、MD、JSONL）",
        ),
        type=KINDS,
        key="training_file",
    )
    # the uploader keeps its file over reruns: save each one once
    if uploaded and st.session_state.get("training_upload") != uploaded.file_id:
        with shows_errors():
            select(DATA, save_uploads(settings, "training", [uploaded])[0])
            st.session_state["training_upload"] = uploaded.file_id
    files = data_files(settings)
    if not files:
        return None
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    data = choose(
        left.selectbox,
        both("Data file", "数据文件"),
        files,
        DATA,
        format_func=_data_words,
    )
    with right.popover(both("It holds records", "这是记录表"), width="stretch"):
        _offer_questions(settings, data)
    show_rows(data)
    if st.session_state.get("task_suits") != data and data.stat().st_size <= LARGEST:
        st.session_state["task_suits"] = data  # another file: the task that learns all of it
        select(TASK, task_for(data))
    return data


def _data_words(path: Path) -> str:
    """The file's name; that of the chats says what it holds."""
    words = {
        chat_data.NAME: both("answers rated good, and corrections", "好评回答与更正"),
        chat_data.PAIRS: both("pairs of answers, for DPO", "成对回答，用于 DPO"),
        chat_data.RATINGS: both("answers rated good or bad, for KTO", "好评与差评回答，用于 KTO"),
    }
    if path.name not in words:
        return path.name
    said = words[path.name]
    return both(f"From your chats: {said} ({path.name})", f"来自对话：{said}（{path.name}）")


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
        select(DATA, target)
        st.rerun()


def _choose_base(settings: Settings, data: Path | None) -> str:
    """A base, or a small one that is made of the data."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    base = choose_base(settings, left, BASE)
    label = both("Small example base", "小型示例基础模型")
    with right.popover(label, width="stretch", disabled=not data):
        _offer_small_base(settings, data)
    return base


def choose_base(settings: Settings, place: Any, key: str) -> str:
    """A model folder of the workspace, a packaged model, or what the person types.

    `place` is where the selector is drawn: Streamlit itself, or a column.
    """
    folders = {
        str(folder): str(folder.relative_to(settings.home)) for folder in base_folders(settings)
    }
    for name in list_packaged():
        folders[f"{KIND}:{name}"] = both(
            f"{find_package(name).title}: small, English, comes with the app",
            f"{find_package(name).title}：小模型，仅英语，随应用附带",
        )
    how: dict[str, Any] = {
        "format_func": lambda path: folders.get(path, path),
        "accept_new_options": True,
        "placeholder": both(
            "Folder, hub name or modelscope:NAME", "文件夹、模型库名称或 modelscope:名称"
        ),
    }
    label = both("Base model", "基础模型")
    if folders:
        typed = st.session_state.get(key)
        options = list(folders)
        if typed and typed not in options:  # a name that the person has typed
            options.append(typed)
        base = choose(place.selectbox, label, options, key, **how)
    else:
        nothing: list[str] = []
        base = place.selectbox(label, nothing, key=key, **how)
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
        select(BASE, str(folder))
        st.rerun()


def _choose_settings(settings: Settings, base: str, data: Path | None) -> str:
    """The run file: written from a few choices, or as the person has edited it."""
    edits = st.session_state.get("edit_run_file", False)
    text = write_run_text(_choose_numbers(base, data or Path(), disabled=edits))
    with st.expander(both("More settings", "更多设置")):
        if not st.toggle(both("Edit the run file", "编辑训练配置文件"), key="edit_run_file"):
            st.session_state.pop("run_text", None)
            st.code(text, language="toml")
            return text
        st.session_state.setdefault("run_text", text)
        return st.text_area(both("Run file (TOML)", "训练配置（TOML）"), key="run_text", height=480)


def _choose_numbers(base: str, data: Path, disabled: bool) -> Choices:
    """Task, method, and the numbers that matter most."""
    advice = advice_for(base)
    task = Choices.task
    titles = {name: both(*row.title) for name, row in TASKS.items()}
    if len(TASKS) > 1:
        task = choose(
            st.selectbox,
            both("Task", "训练任务"),
            list(TASKS),
            TASK,
            format_func=titles.__getitem__,
            disabled=disabled,
        )
    titles = {name: both(*row.title) for name, row in METHODS.items()}
    # they wrap where the page is narrow
    with st.container(horizontal=True, key="training_numbers"):
        method = st.selectbox(
            both("Method", "训练方法"),
            list(METHODS),
            format_func=titles.__getitem__,
            key="method",
            disabled=disabled,
            width=FIELD_WIDTH,
            help=method_help(),
        )
        epochs = _number(
            both("Epochs", "训练轮数"),
            f"epochs_{advice.name}",
            advice.epochs,
            (0.1, 1000.0),
            _about_epochs(advice),
            disabled,
            step=1.0,
            format="%g",
        )
        tuning = choose_method_settings(method, advice, disabled, FIELD_WIDTH)
        start, around = rate_for(advice, METHODS[method], TASKS[task])
        rate = _number(
            both("Learning rate", "学习率"),
            f"learning_rate_{advice.name}_{start:g}",
            start,
            (1e-7, 1.0),
            _about_rate(around),
            disabled,
            step=1e-5,
            format="%.1e",
        )
        batch = _number(
            both("Batch", "批大小"),
            f"batch_{advice.name}",
            advice.batch,
            (1, 1024),
            _about_batch(advice),
            disabled,
        )
        longest = _number(
            both("Max length", "最大长度"),
            "max_length",
            Choices.max_length,
            (8, 1_000_000),
            both(
                "Tokens of one example, question and answer together. What is longer loses its "
                "end; Check says how many do. 256 suits short answers, 1024 to 4096 dialogues. "
                "Memory grows with it.",
                "一条示例（问题加回答）的词元数，超出部分会被截断，“检查”会给出数量。"
                "短问答用 256，对话用 1024–4096；越大越占内存。",
            ),
            disabled,
        )
    return Choices(
        base=base,
        train=data,
        epochs=epochs,
        learning_rate=rate,
        max_length=longest,
        batch=batch,
        task=task,
        method=method,
        tuning=tuning,
    )


def _number(
    label: str,
    key: str,
    value: float,
    limits: tuple[float, float],
    help_text: str,
    disabled: bool,
    **how: Any,
) -> Any:
    """A field for a number; its key names the size of the base, which brings its own default."""
    low, high = limits
    return st.number_input(
        label,
        min_value=low,
        max_value=high,
        value=value,
        key=key,
        help=plain(help_text),
        disabled=disabled,
        width=FIELD_WIDTH,
        **how,
    )


def _about_epochs(advice: Advice) -> str:
    low, high = advice.epochs_range
    return both(
        f"How often every example is learned. {low} to {high} suit a base of this size. Too few: "
        "it forgets; too many: it only repeats the examples.",
        f"每条示例学习的次数。这种大小的基础模型宜用 {low}–{high}。"
        "太少学不会，太多则只会背诵示例。",
    )


def _about_rate(around: tuple[float, float]) -> str:
    low, high = around
    return both(
        f"How far each step goes. {low:.0e} to {high:.0e} suit this method and base. Lower it "
        "where the loss jumps, raise it where the loss hardly falls.",
        f"每一步的幅度。这种方法和基础模型宜用 {low:.0e}–{high:.0e}。"
        "损失跳动时调低，几乎不降时调高。",
    )


def _about_batch(advice: Advice) -> str:
    low, high = advice.batch_range
    return both(
        f"Examples that are learned at once. {low} to {high} are usual; fewer take less memory, "
        "more make each step steadier.",
        f"一次同时学习的示例数，通常为 {low}–{high}。越少越省内存，越多每步越稳定。",
    )


def _start(settings: Settings, name: str, after: Sequence[Job]) -> None:
    with shows_errors():
        start_training(settings, name, both(f"Training {name}", f"正在训练 {name}"), after)
        select(VIEW, "runs")
        select(RUN, name)
        announce(both(f"The training {name} has been started.", f"已开始训练 {name}。"))
        st.rerun()
