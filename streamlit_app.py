"""Pages and their order; the only file that sees every package."""

import streamlit as st

from workbench.accounts.people import ROLES
from workbench.settings import Settings
from workbench.ui.widgets import ICON, both, page_settings, signed_in

PAGES = [
    # file, English, Chinese, icon, the least role that opens it; the first one opens
    ("agents/ui/chat.py", "Chat", "对话", ":material/chat:", "reader"),
    ("rag/ui/knowledge.py", "Knowledge", "知识库", ":material/library_books:", "editor"),
    ("agents/databases/ui/data.py", "Data", "数据", ":material/database:", "editor"),
    ("agents/forecast/ui/forecasts.py", "Forecasts", "预测", ":material/trending_up:", "editor"),
    ("finetune/ui/training.py", "Training", "训练", ":material/model_training:", "editor"),
    ("deploy/ui/models.py", "Models", "模型", ":material/deployed_code:", "editor"),
    ("agents/compare/ui/compare.py", "Compare", "对比", ":material/balance:", "editor"),
    ("agents/loop/ui/improve.py", "Improve", "改进", ":material/sync:", "editor"),
    ("workbench/ui/people.py", "People", "用户", ":material/group:", "admin"),
]


def _opens(least: str, settings: Settings) -> bool:
    """Whether a page of that least role is there for whoever looks.

    What an admin may do does not depend on the space; people are managed only where they sign in.
    """
    if least == "admin":
        person = signed_in()
        return person is not None and person.role == least
    return ROLES.index(settings.role) >= ROLES.index(least)


def main() -> None:
    st.set_page_config(page_title="Workbench", page_icon=ICON, layout="wide")
    settings = page_settings()
    pages = [
        st.Page(
            path,
            title=both(english, chinese),
            icon=icon,
            default=number == 0,
            url_path=english.lower(),
        )
        for number, (path, english, chinese, icon, least) in enumerate(PAGES)
        if _opens(least, settings)
    ]
    st.navigation(pages).run()


main()
