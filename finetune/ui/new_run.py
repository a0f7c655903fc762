"""Pieces of the Training page: data, base and settings -> a run file, checked before it is started as a job."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import streamlit as st

from finetune.run.config import load_config
from finetune.run.run_text import Choices, write_run_text
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.uploads import safe_name, save_uploads
from workbench.ui.widgets import both, plain, show_error, shows_errors, told

KINDS = ["jsonl", "json", "csv", "tsv", "xlsx", "parquet", "txt"]
PREVIEWED = 20  # rows whose tokens are kept for the preview
SMALL_RATE = 3e-3  # suits a base of a few million parameters


def show_new_run(settings: Settings) -> None:
    with st.container(border=True, key="new-run"):
        st.subheader(both("New training", "新建训练"))
        data = _choose_data(settings)
        base = _choose_base(settings, data)
        text = _choose_settings(base, data)
        name = st.text_input(
            both("Name of the run", "训练名称"),
            _free_name(settings, data),
            key=f"run_name_{data}",
            help=both("Letters, digits, - _ and .", "可用字母、数字、- _ 和 ."),
        ).strip()
        with st.container(horizontal=True):
            checks = st.button(
                both("Check", "检查"),
                icon=":material/fact_check:",
                key="check_run",
                disabled=not data,
            )
            starts = st.button(
                both("Start", "开始训练"),
                type="primary",
                icon=":material/play_arrow:",
                key="start_run",
                disabled=not (data and base and name),
            )
        if checks or starts:
            with shows_errors():
                _check(settings, name, text)
        report = st.session_state.get("training_report")
        if report and report["text"] == text:
            if starts and not report["problems"]:
                _start(settings, name)
            _show_report(report)


def _choose_data(settings: Settings) -> Path | None:
    """A file that is there already, or one that is uploaded now."""
    uploaded = st.file_uploader(
        both(
            "Examples: dialogues, instructions, questions and answers, multiple choice (JSON, JSONL, CSV, XLSX)",
            "示例数据：对话、指令、问答、选择题（JSON、JSONL、CSV、XLSX）",
        ),
        type=KINDS,
        key="training_file",
    )
    if uploaded and st.session_state.get("training_upload") != uploaded.file_id:
        st.session_state["training_upload"] = uploaded.file_id
        st.session_state["training_data"] = save_uploads(settings, "training", [uploaded])[0]
    files = [
        path for path in settings.folder("uploads", "training").iterdir() if path.suffix != ".part"
    ]
    files = sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)
    files += sorted(settings.home.glob("demo/train.jsonl"))
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
            "A table of things and what is known of them becomes questions and answers, each fact in many wordings.",
            "把记录事物及其属性的表格转换成问答，每条事实生成多种问法。",
        )
    )
    if st.button(both("Turn it into questions", "转换为问答"), key="augment"):
        target = settings.folder("uploads", "training") / f"{data.stem}.questions.jsonl"
        title = both(f"Turning {data.name} into questions", f"正在把 {data.name} 转换为问答")
        start(
            settings,
            title,
            ["finetune", "augment", str(data), "--out", str(target), "--replace", "--json"],
        )
        st.rerun()


def _choose_base(settings: Settings, data: Path | None) -> str:
    """A model folder of the workspace, or what the person types; or a small one, made of the data itself."""
    found = sorted(
        [
            *settings.home.glob("models/*/config.json"),
            *settings.home.glob("training/bases/*/config.json"),
            *settings.home.glob("demo/base/config.json"),
        ]
    )
    folders = {str(path.parent): str(path.parent.relative_to(settings.home)) for path in found}
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
    with right.popover(
        both("Small example base", "小型示例基础模型"), width="stretch", disabled=not data
    ):
        st.markdown(
            both(
                "Without a model at hand: a small one is made on this machine, its vocabulary taken from the data file. "
                "It knows nothing but what it is taught.",
                "手边没有模型时，可在本机生成一个小模型，词表取自数据文件。它只会学到你教它的内容。",
            )
        )
        if st.button(both("Make it", "生成"), key="make_base") and data:
            folder = settings.folder("training", "bases") / _run_name(data)
            title = both(
                f"Making a small base of {data.name}", f"正在用 {data.name} 生成小型基础模型"
            )
            start(settings, title, ["finetune", "make-base", str(folder), str(data), "--json"])
            st.rerun()
    return (base or "").strip()


def _choose_settings(base: str, data: Path | None) -> str:
    """The run file: written from four numbers, or as the person has edited it."""
    small = "bases" in Path(base).parts[-2:-1] or Path(base).parts[-2:] == ("demo", "base")
    edits = st.session_state.get("edit_run_file", False)
    fields = st.columns(4)
    epochs = fields[0].number_input(
        both("Epochs", "训练轮数"),
        0.1,
        1000.0,
        Choices.epochs,
        1.0,
        format="%g",
        key="epochs",
        disabled=edits,
    )
    rank = fields[1].number_input(
        both("LoRA rank", "LoRA 秩"), 1, 1024, Choices.rank, key="rank", disabled=edits
    )
    rate = fields[2].number_input(
        both("Learning rate", "学习率"),
        1e-7,
        1.0,
        SMALL_RATE if small else Choices.learning_rate,
        1e-5,
        format="%.1e",
        key=f"learning_rate_{small}",
        disabled=edits,
    )
    longest = fields[3].number_input(
        both("Max length (tokens)", "最大长度（词元）"),
        8,
        1_000_000,
        Choices.max_length,
        key="max_length",
        disabled=edits,
    )
    text = write_run_text(
        Choices(base, data or Path(), float(epochs), int(rank), float(rate), int(longest))
    )
    with st.expander(both("More settings", "更多设置")):
        if not st.toggle(both("Edit the run file", "编辑训练配置文件"), key="edit_run_file"):
            st.session_state.pop("run_text", None)
            st.code(text, language="toml")
            return text
        st.session_state.setdefault("run_text", text)
        return st.text_area(both("Run file (TOML)", "训练配置（TOML）"), key="run_text", height=480)


def _free_name(settings: Settings, data: Path | None) -> str:
    """The file's name, numbered on where there is a run of that name."""
    name, number = _run_name(data), 2
    free = name
    while (settings.home / "runs" / free).exists():
        free, number = f"{name}-{number}", number + 1
    return free


def _run_name(data: Path | None) -> str:
    return re.sub(r"[^\w.-]+", "-", data.stem if data else "").strip("-._")[:60] or "run"


def _check(settings: Settings, name: str, text: str) -> None:
    """Write the run file and look at everything in it; only what the page shows of it is kept."""
    from finetune.encoding.masking import preview
    from finetune.run.check import check

    with st.spinner(both("Reading data and base…", "正在读取数据和基础模型…")):
        found = check(_write_run_file(settings, name, text))
    rows = found.encoded.rows[:PREVIEWED] if found.encoded else []
    st.session_state["training_report"] = {
        "text": text,
        "problems": found.problems,
        "warnings": found.warnings,
        "estimate": found.estimate,
        "preview": [preview(row, found.tokenizer) for row in rows],
    }


def _write_run_file(settings: Settings, name: str, text: str) -> Path:
    path = settings.folder("training") / f"{safe_name(name)}.toml"
    path.write_text(text, "utf-8")
    return path


def _start(settings: Settings, name: str) -> None:
    """Train in a job that outlives the page."""
    if (settings.home / "runs" / name).exists():
        show_error(
            f"There is a run {name} already.", "Give this one another name, or delete that one."
        )
        return
    path = settings.folder("training") / f"{safe_name(name)}.toml"
    with shows_errors():
        load_config(path, name=name)  # the name is all that can still be wrong
        title = both(f"Training {name}", f"正在训练 {name}")
        start(settings, title, ["finetune", "train", str(path), "--name", name, "--json"])
        st.session_state["open_view"], st.session_state["open_run"] = "runs", name
        st.rerun()


def _show_report(report: dict[str, Any]) -> None:
    """Every problem with its place and its fix, what to be warned of, what it will cost, and what is learned."""
    if problems := report["problems"]:
        count = len(problems)
        st.error(
            both(f"{count} problem{'s'[: count > 1]} to solve first", f"请先解决 {count} 个问题"),
            icon=":material/error:",
        )
        rows = [
            {
                both("Where", "位置"): row["where"],
                both("Problem", "问题"): told(row["problem"]),
                both("What to do", "处理方法"): told(row["fix"]),
            }
            for row in problems
        ]
        st.dataframe(rows, hide_index=True)
    else:
        st.success(both("No problems.", "没有发现问题。"), icon=":material/check:")
    for warning in report["warnings"]:
        st.warning(plain(told(warning)), icon=":material/warning:")
    if cost := report["estimate"]:
        st.caption(_cost_words(cost))
    if report["preview"]:
        _show_preview(report["preview"])


def _cost_words(cost: dict[str, Any]) -> str:
    minutes = cost["minutes"]
    long = (
        both("time not known", "时间未知")
        if minutes is None
        else both(f"about {minutes} min", f"约 {minutes} 分钟")
    )
    return plain(
        both(
            f"{cost['parameters'] / 1e6:.1f} M parameters, {cost['trainable'] / 1e6:.2f} M of them trained · "
            f"{cost['steps']} steps · about {cost['memory_gb']} GB · {long} on {cost['device']}",
            f"参数 {cost['parameters'] / 1e6:.1f} M，其中训练 {cost['trainable'] / 1e6:.2f} M · {cost['steps']} 步 · "
            f"约 {cost['memory_gb']} GB · {long}（{cost['device']}）",
        )
    )


def _show_preview(rows: list[list[tuple[str, int, bool]]]) -> None:
    """Each token of a row: what is learned is marked, and its label shows under the pointer."""
    with st.expander(
        both("What is learned: tokens and labels", "学习内容：词元与标签"), expanded=True
    ):
        row = (
            st.number_input(both("Row", "第几行"), 1, len(rows), key="previewed_row")
            if len(rows) > 1
            else 1
        )
        st.html(token_markup(rows[int(row) - 1]))
        st.caption(
            both(
                "Marked tokens are learned; the others are only read.",
                "高亮的词元参与学习，其余只作为输入。",
            )
        )


def token_markup(tokens: list[tuple[str, int, bool]]) -> str:
    """HTML of a row of tokens; the text of the data is escaped."""
    spans = []
    for text, label, learned in tokens:
        colour = "rgba(46,160,67,.32)" if learned else "rgba(128,128,128,.14)"
        shown = html.escape(text).replace("\n", "⏎<br>")
        spans.append(
            f'<span title="{label}" style="background:{colour};border-radius:3px;margin:1px">{shown}</span>'
        )
    return f'<div style="white-space:pre-wrap;line-height:1.8;font-family:monospace">{"".join(spans)}</div>'
