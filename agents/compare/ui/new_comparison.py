"""Pieces of the page Compare: questions, arms and names -> a comparison as a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from agents.compare.arms import BASE, RAG, TUNED
from agents.compare.kept import FOLDER
from agents.compare.measuring import AUTO, usable_measures
from agents.compare.ui.made import SHOWN, VIEW
from agents.compare.wording import BOTH, label
from rag.example import EXAMPLE
from rag.store import list_collections
from workbench.jobs.job import Job, list_jobs, start
from workbench.models.listing import NONE, list_runs, packaged_models
from workbench.settings import Settings
from workbench.ui.models import automatic_model, reachable_models
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import both, plain, select, shows_errors, told

LOOKED_AT = 50  # newest jobs
EXAMPLE_COLLECTION = "handbook"
EXAMPLE_QUESTIONS = 20
FILES = ("jsonl",)


def is_running(settings: Settings) -> bool:
    """Whether a comparison is asked for now."""
    jobs = list_jobs(settings)[:LOOKED_AT]
    return any(job.command[:2] == ["compare", "run"] and job.state == "running" for job in jobs)


def offer_example(settings: Settings) -> None:
    """The button that compares on the handbook with questions made of it."""
    model = _model_of_example(settings)
    if is_running(settings):
        return
    pressed = st.button(
        both("Compare on the example", "用示例对比"),
        type="primary",
        icon=":material/play_arrow:",
        key="compare_example",
        disabled=not model,
    )
    st.caption(_what_the_example_does(model))
    if not pressed:
        return
    before: list[Job] = []
    if EXAMPLE_COLLECTION not in [one.name for one in list_collections(settings)]:
        words = ["rag", "ingest", str(EXAMPLE), "--collection", EXAMPLE_COLLECTION, "--json"]
        before = [start(settings, both("Reading the example handbook", "正在读取示例手册"), words)]
    words = ["--model", model, "--collection", EXAMPLE_COLLECTION]
    words += ["--limit", str(EXAMPLE_QUESTIONS)]
    origin = f"collection:{EXAMPLE_COLLECTION}"
    _start(settings, origin, [BASE, RAG], EXAMPLE_COLLECTION, words, before)


def show_new(settings: Settings) -> None:
    """The form of a new comparison."""
    with st.container(border=True, key="new-comparison"):
        st.subheader(both("New comparison", "新建对比"))
        origin = _choose_questions(settings)
        arms, words = _choose_arms(settings)
        words += _choose_details()
        name = st.text_input(
            both("Name of the comparison", "对比名称"),
            _free_name(settings, origin),
            key=f"comparison_name_{origin}",
        ).strip()
        pressed = st.button(
            both("Start", "开始对比"),
            type="primary",
            icon=":material/play_arrow:",
            key="start_comparison",
            disabled=not (origin and name and len(arms) > 1) or is_running(settings),
        )
        if pressed:
            _start(settings, origin, arms, name, words)


def _start(
    settings: Settings,
    origin: str,
    arms: Sequence[str],
    name: str,
    words: Sequence[str],
    after: Sequence[Job] = (),
) -> None:
    command = ["compare", "run", "--questions", origin, "--arms", ",".join(arms)]
    title = both(f"Comparing {name}", f"正在对比 {name}")
    start(settings, title, [*command, "--name", name, *words, "--json"], after=after)
    select(SHOWN, name)
    select(VIEW, "results")
    st.rerun()


def _model_of_example(settings: Settings) -> str:
    """A chat model that can be asked now; empty without any."""
    found = automatic_model(settings)
    if found and found != NONE:
        return found
    packaged = packaged_models()
    return packaged[0].name if packaged else ""


def _what_the_example_does(model: str) -> str:
    if not model:
        return both(
            "A chat model is needed: connect one on the chat page.",
            "需要一个聊天模型：请在对话页面连接。",
        )
    name = plain(model)
    return both(
        f"{EXAMPLE_QUESTIONS} questions made of the example handbook are put to {name}, without "
        "and with the documents.",
        f"用示例手册生成 {EXAMPLE_QUESTIONS} 个问题，分别在不检索和检索文档时向 {name} 提问。",
    )


def _choose_questions(settings: Settings) -> str:
    """The origin of the questions, as `compare run --questions` takes it; empty for none."""
    runs = [run.name.removeprefix("local:") for run in list_runs(settings)]
    origins: dict[str, str] = {}
    for collection in list_collections(settings):
        text = both(f"made of the documents {collection.name}", f"由文档 {collection.name} 生成")
        origins[f"collection:{collection.name}"] = text
    for run in runs:
        origins[f"held-out:{run}"] = both(f"held out of the run {run}", f"训练 {run} 的留出数据")
    origins["rated"] = both("rated and corrected chats", "已评分和更正的对话")
    origins["file"] = both("a file", "文件")
    origin = st.selectbox(
        both("Questions", "问题"),
        list(origins),
        format_func=origins.__getitem__,
        key="questions_from",
    )
    return _upload(settings) if origin == "file" else origin


def _upload(settings: Settings) -> str:
    file = st.file_uploader(
        both("JSON lines with question and answer", "含 question 和 answer 的 JSON 行文件"),
        type=FILES,
        key="questions_file",
    )
    if not file:
        return ""
    # the uploader keeps its file over reruns: save each one once
    if st.session_state.get("questions_upload") != file.file_id:
        with shows_errors():
            path = save_uploads(settings, "questions", [file])[0]
            st.session_state["questions_path"] = str(path)
            st.session_state["questions_upload"] = file.file_id
    kept = st.session_state.get("questions_upload") == file.file_id
    return str(st.session_state["questions_path"]) if kept else ""


def _choose_arms(settings: Settings) -> tuple[list[str], list[str]]:
    """The arms by what exists, and the words of the command that name their things."""
    models = reachable_models(settings) + [one.name for one in packaged_models()]
    collections = [one.name for one in list_collections(settings)]
    runs = [run.name for run in list_runs(settings)]
    offered = [BASE] * bool(models) + [RAG] * bool(collections)
    offered += [TUNED] * bool(runs) + [BOTH] * bool(runs and collections)
    others = [name for name in models if name not in runs]
    arms = st.multiselect(
        both("Arms", "参与对比的回答方式"),
        [*offered, *others],
        default=offered,
        format_func=_arm_words,
        key="comparison_arms",
        placeholder=both("Choose", "请选择"),
    )
    things = {
        "--model": (both("Chat model", "聊天模型"), others),
        "--collection": (both("Documents", "文档"), collections),
        "--tuned": (both("Tuned model", "微调模型"), runs),
    }
    there = {option: thing for option, thing in things.items() if thing[1]}
    words: list[str] = []
    for column, (option, (words_of_it, names)) in zip(
        st.columns(max(1, len(there))), there.items(), strict=False
    ):
        chosen = column.selectbox(plain(words_of_it), names, key=f"comparison{option}")
        words += [option, chosen]
    return arms, words


def _arm_words(arm: str) -> str:
    return told(label(arm))


def _choose_details() -> list[str]:
    """How an answer counts as right, and how many questions are asked."""
    left, right = st.columns(2)
    measures = {AUTO: both("by the answers", "根据答案自动选择")}
    for name, row in usable_measures().items():
        measures[name] = both(row.english, row.chinese)
    measure = left.selectbox(
        both("An answer is right", "如何判断答案正确"),
        list(measures),
        format_func=measures.__getitem__,
        key="comparison_measure",
    )
    limit = right.number_input(
        both("Questions at most (0: all)", "最多问题数（0 为全部）"),
        min_value=0,
        value=40,
        key="comparison_limit",
    )
    return ["--measure", measure, "--limit", str(limit)]


def _free_name(settings: Settings, origin: str) -> str:
    """A name that no comparison has: that of the questions' origin, with a number behind it."""
    if not origin:
        return ""
    kind, _, name = origin.partition(":")
    first = name if kind in ("collection", "held-out") else Path(origin).stem
    taken = {path.name for path in settings.folder(FOLDER).iterdir()}
    number = 1
    found = first
    while found in taken:
        number += 1
        found = f"{first} {number}"
    return found
