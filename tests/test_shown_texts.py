"""No page hands Streamlit a text that has not passed the sanitizer: found in the sources, so that a new
place cannot be forgotten.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from shown_texts import Module, Pages

# (file, method): why it may
REASONED = {
    ("workbench/ui/changes.py", "html"): "a number goes into our own style",
    ("agents/ui/habits.py", "html"): "our own style file",
    ("agents/ui/presets.py", "pills"): "names of icons, from a list in the same file",
    ("finetune/ui/check_report.py", "html"): "token_markup escapes the tokens",
}


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(("workbench", "agents", "rag", "finetune", "deploy"))


def test_every_text_that_a_page_draws_is_ours_or_sanitized(pages: Pages) -> None:
    assert pages.calls() > 600
    found = {fault.where: fault for fault in pages.faults()}
    strangers = [str(fault) for where, fault in found.items() if where not in REASONED]
    assert strangers == []
    assert found.keys() == REASONED.keys()  # no reason outlives its place


def test_charts_are_drawn_at_one_place(pages: Pages) -> None:
    drawing = ("vega_lite_chart", "altair_chart", "plotly_chart", "graphviz_chart", "components.v1")
    found = {
        str(module.path.name)
        for module in pages.modules.values()
        for name in drawing
        if f"st.{name}" in module.path.read_text("utf-8")
    }
    assert found == {"charts.py"}
    for module in pages.modules.values():
        assert "unsafe_allow_html" not in module.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("st.markdown(f'**{chat.title}**')", 1),
        ("st.button(name)", 1),
        ("st.caption(both(f'a {x}', f'b {plain(x)}'))", 1),
        ("st.info(told(text))", 1),
        ("st.markdown('\\n'.join(lines))", 1),
        ("st.radio('x', names)", 1),
        ("st.radio('x', names, format_func=str)", 1),
        ("st.button('x', help=text)", 1),
        ("column.markdown(rows[0])", 1),
        ("def f(x: str):\n    y = x\n    st.caption(y)\nf(plain('a'))\nf(b)", 1),
        ("def f(x: str):\n    y = x\n    st.caption(y)\nf(plain('a'))\nf('b')", 0),
        ("def f(n: int):\n    st.caption(f'{n} of {len(a)} at {b:.1f}')", 0),
        ("def g(x):\n    return plain(x)\nst.caption(g(y))", 0),
        ("st.markdown('  \\n'.join(plain(line) for line in lines))", 0),
        ("from workbench.ui import text\nst.caption(text.sentence(a))", 0),
        ("st.caption(text.sentence(a))", 1),
        ("st.selectbox('x', names)", 0),  # its options are no Markdown
    ],
)
def test_the_search_tells_them_apart(tmp_path: Path, source: str, faults: int) -> None:
    file = tmp_path / "ui" / "page.py"
    file.parent.mkdir()
    file.write_text(source, "utf-8")
    pages = Pages(())
    pages.modules["page"] = Module(file)
    assert len(list(pages.faults())) == faults
