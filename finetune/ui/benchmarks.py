"""Pieces of the Training page: base and run on benchmarks, side by side for each subject."""

from __future__ import annotations

from typing import Any

import streamlit as st

from finetune.benchmark.comparing import Pair, all_figures, pair_up
from finetune.benchmark.kept import FOLDER, Measured, list_kept
from finetune.benchmark.suites import SUITES, subjects_of
from finetune.run.run_state import RunNow
from finetune.run.runs import Run
from workbench.errors import Unavailable
from workbench.jobs.job import Job, list_jobs, start
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.jobs import progress_of
from workbench.ui.widgets import both, plain, sentence

LIMIT = 100  # questions of a task at first; all of C-Eval take long on a processor


def show_benchmarks(settings: Settings, now: RunNow) -> None:
    """The figures of the run beside its base's, and the form that measures both."""
    if now.state == "running" or not now.run.can_be_asked:
        return
    figures = list_kept(now.run.folder / FOLDER)
    title = both("Benchmarks", "基准测试")
    with st.expander(title, expanded=bool(figures) or _measuring(settings, now.run.name)):
        if figures:
            _show_figures(settings, now.run, figures)
        _offer(settings, now.run.name)


def _show_figures(settings: Settings, run: Run, figures: list[Measured]) -> None:
    base = [
        one
        for one in all_figures(settings)
        if one.conditions.digest == run.base_digest and one.conditions.model != run.name
    ]
    pairs, refused = pair_up(figures, base)
    _warn_of_leaks(figures)
    paired = {pair.first.path for pair in pairs}
    alone = [one for one in figures if one.path not in paired]
    rows = [_row(pair.first, pair) for pair in pairs] + [_row(one) for one in alone]
    st.dataframe(rows, hide_index=True)
    for task, reason in refused.items():
        why = sentence(reason)
        st.caption(both(f"{plain(task)} is not compared: {why}", f"{plain(task)} 未作对比：{why}"))
    _show_differing(pairs)


def _row(measured: Measured, pair: Pair | None = None) -> dict[str, Any]:
    conditions, result = measured.conditions, measured.result
    answers = both("written", "写出答案") if conditions.form == "answers" else ""
    how = [conditions.template, answers]
    if conditions.shots:
        how.insert(0, both(f"{conditions.shots} shots", f"{conditions.shots} 个示例"))
    return {
        both("Task", "任务"): conditions.task,
        both("Base", "基础模型"): _figure(pair.second) if pair else "–",
        both("This run", "本次训练"): _figure(measured),
        "p": f"{pair.paired.p:.3f}" if pair else "–",
        both("Questions", "题数"): result["n"],
        both("Trained on", "训练过"): result["leak"],
        both("Cut prompts", "被截断"): result["cut"],
        both("Asked", "提问方式"): ", ".join(part for part in how if part),
    }


def _figure(measured: Measured) -> str:
    """Accuracy with its standard error."""
    result = measured.result
    stderr = result["stderr"]
    return f"{result['acc']:.3f}" if stderr is None else f"{result['acc']:.3f} ± {stderr:.3f}"


def _warn_of_leaks(figures: list[Measured]) -> None:
    leaks = {one.conditions.task: one.result for one in figures if one.result["leak"]}
    if not leaks:
        return
    lines = [f"- {plain(task)}: {one['leak']:d} / {one['n']:d}" for task, one in leaks.items()]
    head = both(
        "Questions that this run was trained on; the figures show what it has memorised:",
        "以下题目曾用于训练，数字反映的是记住的内容：",
    )
    st.warning("\n".join([head, *lines]))


def _show_differing(pairs: list[Pair]) -> None:
    """The questions of a task that one of both alone has right."""
    if not pairs:
        return
    by_task = {pair.task: pair for pair in pairs}
    task = st.selectbox(
        both("Questions on which they differ", "两者结果不同的题目"),
        list(by_task),
        key="benchmark_task",
    )
    differing = by_task[task].differing()
    if not differing:
        st.caption(
            both("None: they are right on the same questions.", "没有：两者答对的题目相同。")
        )
        return
    titles = {
        "gold": both("Right", "正确"),
        "second": both("Base", "基础模型"),
        "first": both("This run", "本次训练"),
        "question": both("Question", "题目"),
    }
    shown = [{title: row[key] or "–" for key, title in titles.items()} for row in differing]
    st.dataframe(shown, hide_index=True)


def _offer(settings: Settings, name: str) -> None:
    """The form that measures base and run, the one after the other."""
    if _measuring(settings, name):
        st.fragment(_await_figures, run_every=2.0)(settings, name)
        return
    try:
        known = _subjects()
    except Unavailable as error:
        st.caption(f"{sentence(error.problem)} {sentence(error.fix)}")
        return
    with st.form(f"benchmark_{name}", border=False):
        tasks = st.multiselect(
            both("Tasks", "任务"),
            [*SUITES, *known],
            accept_new_options=True,
            placeholder=both("A subject, a task's name, or a file", "科目、任务名称或文件"),
            key=f"benchmark_tasks_{name}",
        )
        folder = st.text_input(
            both(
                "Folder of C-Eval or CMMLU (else from the hub)",
                "C-Eval 或 CMMLU 的文件夹（留空则从模型库获取）",
            ),
            key=f"benchmark_folder_{name}",
        ).strip()
        limit = st.number_input(
            both("Questions of each task at most", "每个任务的题数上限"),
            min_value=1,
            value=LIMIT,
            key=f"benchmark_limit_{name}",
        )
        label = both("Measure base and run", "评测基础模型与本次训练")
        wanted = st.form_submit_button(label, icon=":material/checklist:")
    if wanted and not tasks:
        st.info(both("Choose a task.", "请选择任务。"))
    after = agreed(settings, f"benchmark_of_{name}", wanted and bool(tasks))
    if after is None:
        return
    command = ["finetune", "benchmark", name, "--json", f"--limit={limit}"]
    command.append(f"--tasks={','.join(tasks)}")
    if folder:
        command.append(f"--folder={folder}")
    titles = (
        both(f"Benchmarks of the base of {name}", f"{name} 的基础模型的基准测试"),
        both(f"Benchmarks of {name}", f"{name} 的基准测试"),
    )
    first = start(settings, titles[0], [*command, "--base"], after=after)
    start(settings, titles[1], command, after=[*after, first])
    st.rerun()


def _subjects() -> list[str]:
    """The names of all subjects. Raises Unavailable where the library is not installed."""
    return [f"{suite.name}:{name}" for suite in SUITES.values() for name in subjects_of(suite)]


def _measuring(settings: Settings, name: str) -> bool:
    """Whether a job measures the run or its base now."""
    return bool(_jobs(settings, name))


def _jobs(settings: Settings, name: str) -> list[Job]:
    return [
        job
        for job in list_jobs(settings)
        if job.state == "running" and job.command[:3] == ["finetune", "benchmark", name]
    ]


def _await_figures(settings: Settings, name: str) -> None:
    jobs = _jobs(settings, name)
    if not jobs:
        st.rerun()
    for job in jobs:
        st.progress(*progress_of(job))
