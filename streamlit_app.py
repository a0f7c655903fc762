"""Pages and their order; the only file that sees every package."""

import streamlit as st

from workbench.ui.widgets import ICON, both

PAGES = [
    # file, English, Chinese, icon; the first one opens
    ("agents/ui/chat.py", "Chat", "对话", ":material/chat:"),
    ("rag/ui/knowledge.py", "Knowledge", "知识库", ":material/library_books:"),
    ("agents/databases/ui/data.py", "Data", "数据", ":material/database:"),
    ("agents/forecast/ui/forecasts.py", "Forecasts", "预测", ":material/trending_up:"),
    ("finetune/ui/training.py", "Training", "训练", ":material/model_training:"),
    ("deploy/ui/models.py", "Models", "模型", ":material/deployed_code:"),
    ("agents/compare/ui/compare.py", "Compare", "对比", ":material/balance:"),
    ("agents/loop/ui/improve.py", "Improve", "改进", ":material/sync:"),
]


def main() -> None:
    st.set_page_config(page_title="Workbench", page_icon=ICON, layout="wide")
    pages = [
        st.Page(
            path,
            title=both(english, chinese),
            icon=icon,
            default=number == 0,
            url_path=english.lower(),
        )
        for number, (path, english, chinese, icon) in enumerate(PAGES)
    ]
    st.navigation(pages).run()


main()
