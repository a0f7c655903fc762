"""Pieces of the Training page: a corpus and a base -> a job that adds the corpus's words to it; and
the bases that were extended, with their tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from finetune.corpus.files import LINES, TEXTS, files_of, kind_of
from finetune.run.new_run import base_folders, data_files, run_name
from finetune.ui.made import BASE, DATA, TASK, VIEW, VOCABULARY
from finetune.ui.new_run import choose_base
from finetune.vocabulary.report import read_figures, read_tokens
from workbench.confined import inside
from workbench.jobs.job import Job, start
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import announce, both, choose, plain, select, shows_errors

CHOSEN = "corpus_chosen"
OWN_BASE = "vocabulary_base"
SIZE = 4000  # new tokens, unless the person asks for another number
LISTED = 500  # of the new tokens
FIELD_WIDTH = 180  # pixels


def show_vocabulary(settings: Settings) -> None:
    """The form, and below it what was made before."""
    with st.container(border=True, key="new-vocabulary"):
        st.subheader(both("New vocabulary", "扩充词表"))
        st.markdown(
            both(
                "A base that writes your language or field in many small pieces learns its words "
                "as tokens: texts become shorter, training and answers faster. Its own tokens stay "
                "as they are. Then train on it.",
                "如果基础模型把你的语言或领域文本切得很碎，可以让它把常用词学成词元："
                "文本更短，训练和回答更快。原有词元保持不变。之后再用它训练。",
            )
        )
        corpus = _choose_corpus(settings)
        base = choose_base(settings, st, OWN_BASE)
        options = _choose_options(settings, base, corpus)
        pressed = st.button(
            both("Start", "开始"),
            type="primary",
            icon=":material/play_arrow:",
            key="start_vocabulary",
            disabled=not (corpus and base and options["name"]),
        )
        after = agreed(settings, "start_vocabulary", pressed)
        if after is not None:
            _start(settings, corpus, base, options, after)
    _show_extended(settings)


def _choose_corpus(settings: Settings) -> list[Path]:
    """Text files of the workspace, those that are uploaded now, and a path of this machine."""
    uploaded = st.file_uploader(
        both(
            "Corpus: plain text, or JSON lines with a column `text`",
            "语料：纯文本，或带 `text` 列的 JSON Lines",
        ),
        type=[ending.removeprefix(".") for ending in (*TEXTS, *LINES)],
        accept_multiple_files=True,
        key="corpus_files",
    )
    saved = st.session_state.setdefault("corpus_uploads", set())
    for file in uploaded:
        if file.file_id in saved:  # the uploader keeps its files over reruns
            continue
        with shows_errors():
            path = save_uploads(settings, "training", [file])[0]
            saved.add(file.file_id)
            st.session_state[CHOSEN] = [*st.session_state.get(CHOSEN, []), path]
    files = [path for path in data_files(settings) if kind_of(path) in (*TEXTS, *LINES)]
    chosen: list[Path] = []
    if files:
        before = st.session_state.get(CHOSEN, [])
        st.session_state[CHOSEN] = [path for path in dict.fromkeys(before) if path in files]
        chosen = st.multiselect(
            both("Files of the workspace", "工作区中的文件"),
            files,
            format_func=lambda path: path.name,
            key=CHOSEN,
            placeholder=both("Choose files", "选择文件"),
        )
    typed = st.text_input(
        both("Or a file or folder of this machine", "或本机上的文件、文件夹"), key="corpus_path"
    ).strip()
    if typed:
        with shows_errors():
            chosen = [*chosen, inside(typed, settings)]
    return chosen


def _choose_options(settings: Settings, base: str, corpus: Sequence[Path]) -> dict[str, Any]:
    """Size, name, and what suits most corpora as it is."""
    size = st.number_input(
        both("New tokens", "新词元数"),
        min_value=1,
        max_value=500_000,
        value=SIZE,
        step=500,
        key="vocabulary_size",
        width=FIELD_WIDTH,
        help=both(
            "1,000 to 5,000 suit a book or two, 10,000 to 30,000 a language. Each takes a row "
            "of the embeddings, which has to be trained.",
            "一两本书宜用 1000–5000，一门语言宜用 1 万–3 万。每个词元占一行嵌入，需要训练。",
        ),
    )
    name = st.text_input(
        both("Name of the new base", "新基础模型名称"),
        _free_name(settings, base, corpus),
        key=f"vocabulary_name_{base}_{corpus}",
    ).strip()
    with st.expander(both("More settings", "更多设置")):
        held_out = st.slider(
            both("Held out to measure on (percent of the lines)", "留作评测的行（百分比）"),
            1,
            50,
            10,
            key="vocabulary_held_out",
        )
        which = {
            "auto": both("by the corpus", "按语料决定"),
            "other": both("only of other scripts than Latin", "只学非拉丁文字"),
            "all": both("all", "全部"),
        }
        words = st.selectbox(
            both("Words to learn", "要学的词"),
            list(which),
            format_func=which.__getitem__,
            key="vocabulary_words",
            help=both(
                "Where most of the corpus is not in Latin letters, English words in it are left "
                "as they are, so that English and code are cut as before.",
                "语料以非拉丁文字为主时，其中的英文词保持不变，英文和代码的切分与之前一样。",
            ),
        )
    return {"size": size, "name": name, "held_out": held_out / 100, "words": words}


def _free_name(settings: Settings, base: str, corpus: Sequence[Path]) -> str:
    """After base and corpus, numbered on where a model has that name."""
    parts = [Path(base.rpartition(":")[2]).name, *(path.stem for path in corpus[:1])]
    name = run_name(Path("-".join(part for part in parts if part) + ".x"))
    free = name
    number = 2
    while (settings.home / "models" / free).exists():
        free = f"{name}-{number}"
        number += 1
    return free


def _start(
    settings: Settings,
    corpus: Sequence[Path],
    base: str,
    options: dict[str, Any],
    after: Sequence[Job],
) -> None:
    with shows_errors():
        for path in corpus:
            files_of(path)  # raises for what is missing
        name = run_name(Path(options["name"] + ".x"))
        out = settings.folder("models") / name
        command = ["finetune", "vocabulary", *map(str, corpus), "--base", base, "--out", str(out)]
        command += ["--size", str(options["size"]), "--held-out", str(options["held_out"])]
        command += ["--words", options["words"], "--json"]
        title = both(f"Extending the vocabulary: {name}", f"正在扩充词表：{name}")
        start(settings, title, command, after=after)
        announce(
            both(
                f"{name} is being made; its job is at the side.",
                f"正在生成 {name}，进度见侧栏任务。",
            )
        )
        st.rerun()


def _show_extended(settings: Settings) -> None:
    """The figures of an extended base, its tokens, and the way on."""
    folders = [str(folder) for folder in base_folders(settings) if read_figures(folder)]
    if not folders:
        return
    with st.container(border=True, key="extended-base"):
        st.subheader(both("Extended bases", "已扩充的基础模型"))
        chosen = choose(
            st.selectbox,
            both("Base", "基础模型"),
            folders,
            VOCABULARY,
            format_func=lambda path: Path(path).name,
        )
        figures = read_figures(Path(chosen)) or {}
        _show_figures(figures)
        _offer_training(settings, chosen, figures)
        _show_tokens(Path(chosen))


def _show_figures(figures: dict[str, Any]) -> None:
    before, after = figures["chars_per_token_before"], figures["chars_per_token_after"]
    exact = figures["lines"] - figures["changed_lines"]
    shown = {
        both("Characters a token", "每词元字符数"): f"{before:.2f} → {after:.2f}",
        both("Shorter by", "缩短倍数"): f"{after / before:.2f} ×",
        both("New tokens", "新词元"): f"{figures['added']:,}",
        both("Of the corpus in them", "语料覆盖率"): f"{figures['covered']:.0%}",
        both("Lines that come back exactly", "可精确还原的行"): f"{exact:,} / {figures['lines']:,}",
    }
    with st.container(horizontal=True, key="vocabulary_figures"):
        for label, value in shown.items():
            st.metric(label, value, width="content")
    base, kind = plain(figures["base"]), plain(figures["kind"])
    held_out = figures["held_out_lines"]
    st.caption(
        both(
            f"{kind} of {base}; measured on {held_out:,} lines held out.",
            f"{base} 的 {kind}；在留出的 {held_out:,} 行上测得。",
        )
    )


def _offer_training(settings: Settings, folder: str, figures: dict[str, Any]) -> None:
    """Opens New training with this base, as continued pre-training on the first corpus file."""
    pressed = st.button(
        both("Train on this base", "用它训练"),
        type="primary",
        icon=":material/model_training:",
        key="train_on_vocabulary",
    )
    if not pressed:
        return
    select(VIEW, "new")
    select(BASE, folder)
    names = [file["file"] for file in figures["corpus"]]
    corpus = [path for path in data_files(settings) if path.name in names]
    if corpus:
        select(DATA, corpus[0])
        select(TASK, "pretrain")
    st.rerun()


def _show_tokens(folder: Path) -> None:
    with st.expander(both("New tokens", "新词元列表"), icon=":material/toc:"):
        rows = [
            {
                both("Token", "词元"): row["token"],
                both("In the corpus", "语料中次数"): row["count"],
                both("Tokens before", "原来的词元数"): row["made_of"],
            }
            for row in read_tokens(folder, LISTED)
        ]
        st.dataframe(rows, hide_index=True)
        path = folder.name + "/new_tokens.jsonl"
        st.caption(both(f"All of them are in {plain(path)}.", f"完整列表见 {plain(path)}。"))
