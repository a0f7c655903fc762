"""A model that falls into a loop is stopped; all else passes unchanged."""

from __future__ import annotations

import pytest

from workbench.models.repetition import Repetition

SENTENCE = "Employees have 27 days of annual leave. "
TABLE = "| name | likes |\n| --- | --- |\n| Ana | 3 |\n| Bo | 3 |\n| Cy | 3 |\n"
CODE = "try:\n    load()\nexcept OSError:\n    pass\ntry:\n    load()\nexcept OSError:\n    pass\n"
CHORUS = "Row, row, row your boat,\ngently down the stream.\n"


def read(text: str, size: int = 3) -> tuple[str, bool]:
    """What is shown of a text that comes in pieces of that size, and whether it was cut."""
    repetition = Repetition()
    shown = ""
    for start in range(0, len(text), size):
        shown += repetition.feed(text[start : start + size])
        if repetition.cut:
            return shown, True
    return shown + repetition.rest(), False


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "27",
        SENTENCE,
        SENTENCE * 2,
        TABLE,
        CODE,
        CHORUS + "The boat is gone.\n" + CHORUS + "So are we.\n" + CHORUS,
        "员工每年享有 27 天年假。员工每年享有 27 天年假。可以结转 8 天。",
        "- a long enough line\n" * 3 + "- and another one\n",
        "Line one is here.\n\n\nLine two is here.\n\n",
        "-" * 79 + "\n0 0 0 0 0 0 0 0\n",
    ],
)
def test_a_text_that_is_no_loop_passes_unchanged(text: str, size: int) -> None:
    assert read(text, size) == (text, False)


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (SENTENCE * 50, SENTENCE),
        ("Yes. " + (SENTENCE + "They expire on 30 June. ") * 50, SENTENCE),
        ("| name | likes |\n" + "| --- | --- |\n" * 90, "| --- | --- |\n"),
        ("同样的一句话说了又说。" * 40, "同样的一句话说了又说。"),
    ],
)
def test_a_sentence_or_line_said_without_end_is_kept_once(text: str, kept: str, size: int) -> None:
    shown, cut = read(text, size)
    assert cut and shown.count(kept.strip()) == 1
    assert text.startswith(shown)


@pytest.mark.parametrize(
    "text", ["The hours are 10:00" + " to 2:00 AM" * 900, "| " + "--- | " * 900, "哈哈" * 900]
)
def test_a_line_without_end_is_stopped(text: str) -> None:
    shown, cut = read(text, 2)
    assert cut and text.startswith(shown)
    assert len(shown) < 600
