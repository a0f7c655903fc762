"""The Models page: a run, named and published to Ollama in a background job; published versions and
proofs.
"""

from __future__ import annotations

import streamlit as st

from deploy.order import ADAPTER, PRECISIONS
from deploy.ui.opening import RUN
from deploy.ui.publish import publish_title, show_publish_job, show_version
from deploy.versions import Version, compare_versions, list_versions, publishing, roll_back
from workbench.artefacts.model_folder import find_local, is_adapter
from workbench.artefacts.run_folder import is_scored
from workbench.confined import check_may_change
from workbench.files import write_text
from workbench.jobs.job import start
from workbench.models.listing import list_runs
from workbench.models.packaged import KIND, list_packaged
from workbench.models.servers import ask_json
from workbench.models.speeding import fast_form
from workbench.settings import Settings
from workbench.ui.connections import connect_button
from workbench.ui.votes import show_votes
from workbench.ui.widgets import (
    announce,
    begin_page,
    both,
    choose,
    offer_example_model,
    plain,
    shows_errors,
)

PRECISION_NAMES = {
    "f16": ("f16: exactly as trained", "f16：与训练结果完全一致"),
    "bf16": ("bf16: as wide, coarser", "bf16：同样大小，精度略低"),
    "q8_0": ("q8_0: half the size, hardly a difference", "q8_0：体积减半，几乎无差别"),
    "q4_K_M": (
        "q4_K_M: a quarter of the size, some difference",
        "q4_K_M：约四分之一体积，有一定差别",
    ),
    "q4_1": (
        "q4_1: a packaged model's own file",
        "q4_1：内置模型自带的文件",
    ),
}
FORM_NAMES = {
    "auto": (
        "The adapter alone where Ollama has its base, else merged with it",
        "Ollama 中已有基础模型时只上传适配器，否则合并后上传",
    ),
    "always": (
        "Always the adapter alone, on a base in Ollama",
        "始终只上传适配器，使用 Ollama 中的基础模型",
    ),
    "never": ("Always base and adapter merged", "始终合并基础模型与适配器"),
}


def page() -> None:
    settings = begin_page(both("Models", "模型"))
    connect_button(settings)
    reachable = bool(ask_json(f"{settings.ollama_host}/api/version"))
    if not reachable:
        _explain_ollama(settings)
    show_publish_job(settings)
    _show_order(settings, reachable)
    _show_versions(settings)
    show_votes(settings)


def _explain_ollama(settings: Settings) -> None:
    """How to get Ollama, and what can be done without it."""
    host = plain(settings.ollama_host)
    st.info(
        both(
            f"Nothing answers at {host}. Install Ollama from "
            "https://ollama.com/download and start it (`ollama serve`), or give another machine's "
            "address under “Connect a model”. Without it you can still write the GGUF file and its "
            "Modelfile.",
            f"{host} 没有响应。请从 https://ollama.com/download 安装并启动 Ollama"
            "（`ollama serve`），或在“连接模型”中填写另一台机器的地址。"
            "没有 Ollama 也可以先生成 GGUF 文件和 Modelfile。",
        ),
        icon=":material/link_off:",
    )


def _show_order(settings: Settings, reachable: bool) -> None:
    tuned = [model.name.removeprefix("local:") for model in list_runs(settings)]
    whole = [path.parent.name for path in sorted(settings.home.glob("models/*/config.json"))]
    own = tuned + whole
    runs = own + [f"{KIND}:{name}" for name in list_packaged()]
    if not own:
        _show_empty(settings)
    if not runs:
        return
    with st.container(border=True, key="order"):
        st.subheader(both("Publish", "发布"))
        if own and not list_versions(settings):
            st.caption(
                both(
                    "Nothing is published yet. The newest model is chosen; Publish makes it an "
                    "Ollama model and proves that it answers as trained.",
                    "还没有发布过模型。已选中最新的模型，点击“发布”即可生成 Ollama 模型，"
                    "并验证其回答与训练时一致。",
                )
            )
        measured = [name for name in tuned if is_scored(f"local:{name}", settings)]
        first = next(iter(measured), None)
        run = choose(st.selectbox, both("Run or model", "训练结果或模型"), runs, RUN, first)
        left, right = st.columns(2)
        name = left.text_input(
            both("Name in Ollama", "在 Ollama 中的名称"),
            run.removeprefix(f"{KIND}:"),
            key=f"publish_name_{run}",
        ).strip()
        precision = right.selectbox(
            both("Precision", "精度"),
            PRECISIONS,
            format_func=lambda kind: both(*PRECISION_NAMES[kind]),
            key="precision",
        )
        has_adapter = run in tuned and is_adapter(find_local(run, settings))
        form = _choose_form() if reachable and has_adapter else []
        trained = both("Empty: the one it was trained with.", "留空则使用训练时的系统提示词。")
        system = st.text_area(
            both("System prompt", "系统提示词"), height=68, placeholder=trained, key=f"system_{run}"
        )
        modelfile = _edit_modelfile(settings, run, name, precision, system)
        label = both("Publish", "发布") if reachable else both("Write GGUF file", "生成 GGUF 文件")
        if st.button(
            label, type="primary", icon=":material/rocket_launch:", disabled=not name, key="publish"
        ):
            with shows_errors():
                _start(
                    settings,
                    run,
                    name,
                    ["--quantize", precision, *form],
                    system,
                    modelfile,
                    reachable,
                )
    if run in own:
        _offer_speed(settings, f"local:{run}")


def _offer_speed(settings: Settings, model: str) -> None:
    """The model faster in the chat here, where Ollama is not asked."""
    if fast_form(find_local(model.removeprefix("local:"), settings), settings):
        st.caption(
            both("OpenVINO runs it in the chat here.", "在本机对话中，它由 OpenVINO 运行。"),
        )
        return
    if st.button(
        both("Answer faster here, without Ollama", "不用 Ollama，也能在本机更快回答"),
        icon=":material/speed:",
        type="tertiary",
        key="speed_up",
        help=both(
            "OpenVINO takes it over on this processor, if its answers stay the same, word for "
            "word.",
            "由 OpenVINO 在本机处理器上运行；仅当回答逐词一致时才启用。",
        ),
    ):
        title = both(f"Speeding up {model}", f"正在加速 {model}")
        start(settings, title, ["models", "speed-up", model, "--json"])
        announce(both("It has been started.", "已开始。"))
        st.rerun()


def _show_empty(settings: Settings) -> None:
    """No model yet: the first step is to teach one."""
    st.markdown(
        both(
            "A run that you have trained becomes an Ollama model here, proven to answer as "
            "trained. No finished run yet: train your own on the Training page, or begin with the "
            "example.",
            "训练好的模型可在这里发布到 Ollama，并验证其回答与训练时一致。目前还没有完成的训练："
            "可在“训练”页训练自己的数据，或先试试示例。",
        )
    )
    if offer_example_model(settings):
        st.rerun()


def _choose_form() -> list[str]:
    """Options of the command: merged, or the adapter alone and on which model."""
    form = st.selectbox(
        both("What is uploaded", "上传内容"),
        ADAPTER,
        format_func=lambda kind: both(*FORM_NAMES[kind]),
        key="form",
    )
    if form != "always":
        return ["--adapter", form]
    empty = both("Empty: one published from the same base.", "留空则使用由同一基础模型发布的版本。")
    base = st.text_input(
        both("Its base in Ollama", "Ollama 中的基础模型"), placeholder=empty, key="form_base"
    )
    return ["--adapter", form, *(["--from", base.strip()] if base.strip() else [])]


def _edit_modelfile(settings: Settings, run: str, name: str, precision: str, system: str) -> str:
    """The Modelfile as the person has edited it; empty where it was left alone."""
    with st.expander(both("Modelfile", "Modelfile（模板与停止符）")):
        st.caption(
            both(
                "Template and stops are taken from the model itself.", "模板和停止符取自模型本身。"
            )
        )
        key = f"modelfile_{run}"
        if st.button(both("Show it for editing", "查看并编辑"), key="show_modelfile"):
            from deploy.order import Order
            from deploy.plan import make_plan

            with (
                shows_errors(),
                st.spinner(both("Reading the model's template…", "正在读取模型的模板…")),
            ):
                order = Order(run, name, precision, system or None)
                st.session_state[key] = make_plan(order, settings).modelfile.text()
        if key not in st.session_state:
            return ""
        return st.text_area(both("Edit", "编辑"), key=key, height=320, label_visibility="collapsed")


def _start(
    settings: Settings,
    run: str,
    name: str,
    options: list[str],
    system: str,
    modelfile: str,
    reachable: bool,
) -> None:
    """Publish in a job; a retry of it goes on from the step that failed.

    `options` are those of the command.
    """
    from deploy.modelfile import read_modelfile
    from deploy.ollama_registry import check_name

    check_may_change(settings)
    check_name(name)
    command = ["deploy", "publish", run, "--name", name, *options, "--json"]
    command += ["--host", settings.ollama_host, "--keep-candidate"]
    if modelfile:
        read_modelfile(modelfile)
        path = settings.folder("deploy", ".edited") / f"{name}.Modelfile"
        write_text(path, modelfile)
        command += ["--modelfile", str(path)]
    elif system.strip():
        command += ["--system", system.strip()]
    if not reachable:
        command += ["--gguf-only", str(settings.folder("deploy", "files") / name)]
    start(settings, publish_title(run, name), command)
    announce(both(f"Publishing {run} has been started.", f"已开始发布 {run}。"))
    st.rerun()


def _show_versions(settings: Settings) -> None:
    versions = list_versions(settings)
    if not versions:
        return
    st.subheader(both("Published", "已发布"))
    for name in dict.fromkeys(version.name for version in versions):
        own = [version for version in versions if version.name == name]
        with st.container(border=True, key=f"published-{name}"):
            now = next((version for version in own if version.latest), own[0])
            goes_back = False
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(name)}**")
                if any(version.number < now.number for version in own):
                    goes_back = st.button(
                        both("Roll back", "回滚"), icon=":material/undo:", key=f"rollback-{name}"
                    )
            if goes_back:
                with shows_errors(), publishing(settings, name):
                    roll_back(settings, name)
                    st.rerun()
            for version in own:
                show_version(settings, version)
            if len(own) > 1:
                _show_comparison(own)


def _show_comparison(versions: list[Version]) -> None:
    with st.expander(both("Compare the two newest", "比较最新的两个版本")):
        new, old = versions[:2]
        rows = [
            {both("What", "项目"): name, old.tag: str(was), new.tag: str(now)}
            for name, (was, now) in compare_versions(old, new).items()
        ]
        st.dataframe(rows, hide_index=True)


page()
