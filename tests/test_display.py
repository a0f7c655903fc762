"""What a page shows of an answer: safe Markdown, untouched code, badges, sources, labels."""

from __future__ import annotations

import pytest

from agents.display import cited_first, effort, text_beside_tables, vote_labels
from agents.markdown import cited, parts, safe
from workbench.chat.conversations import Message
from workbench.chat.events import Done, Source, Table, Token


@pytest.mark.parametrize(
    "code",
    [
        "```html\n<div>$5</div>\n```",
        "~~~\n<div>\n~~~\n",
        "- an item\n\n   ```sh\n   echo $5 <b>\n   ```\n",
        "Write `<div>` or ``a ` $5``.",
        "```rust\nlet x = vec![1, 2];\n```",
        "```\n<div> that is still growing $5",
    ],
)
def test_code_stays_as_it_is(code: str) -> None:
    assert safe(code) == code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a <div> for $5", "a &lt;div> for \\$5"),
        ("`a` <b> `c`", "`a` &lt;b> `c`"),
        ("\\`<b>`", "\\`&lt;b>`"),
        ("one ` alone <b>", "one ` alone &lt;b>"),
        ("```\n<i>\n```\n<b>", "```\n<i>\n```\n&lt;b>"),
    ],
)
def test_outside_of_code_html_and_formulas_are_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://host/p.png)",
        "!![x][r]\n\n[r]: http://host/p.png",
        "!![a\\]b](http://host)",
        "`a\n\n![x](http://host) `",
        "```\n![x](http://host)\n```",
        "| `a | ![x](http://host) ` |",
    ],
)
def test_no_picture_is_fetched_wherever_it_stands(text: str) -> None:
    assert "![" not in safe(text)


def source(number: int) -> Source:
    return Source(number, "text", "leave.md", "p. 1", 0.5, f"id-{number}", "handbook")


def test_citations_become_links_but_not_in_code() -> None:
    shown = cited("a [1] b [9] `x[1]`", {1, 2}, "7")
    assert shown == "a [1](#passage-7-1) b [9] `x[1]`"


def test_the_cited_sources_come_first() -> None:
    sources = [source(number) for number in range(1, 6)]
    first, rest = cited_first(sources, "as [4] says")
    assert [one.number for one in first] == [4] and len(rest) == 4
    first, rest = cited_first(sources, "no citation")
    assert [one.number for one in first] == [1, 2, 3] and len(rest) == 2


def test_a_result_is_shown_once_as_a_table() -> None:
    events = [Token("Here:\n| a |\n| - |\n"), Table(["a"], [[1]]), Token("| kept |")]
    assert text_beside_tables(events) == "Here:\n| kept |"


def test_the_speed_is_that_of_the_model_alone() -> None:
    assert effort(Done("ollama:x", 9.0, 40, {}, 2.0), "en") == "ollama:x · 9.0 s · 20 tokens/s"
    assert effort(Done("none", 0.5), "zh") == "无模型 · 0.5 秒"


def test_two_answers_are_voted_for_by_side_and_more_by_agent() -> None:
    answers = [
        Message(number, 1, "assistant", "", mode=mode)
        for number, mode in enumerate(("documents", "tuned", "gone"), 1)
    ]
    assert vote_labels(answers[:2], "en") == {1: "Left is better", 2: "Right is better"}
    assert vote_labels(answers, "en")[3] == "gone is better"


LONG = "Words of a paragraph that goes on. " * 40


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG}\n\n{LONG}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.",
        f"1. {LONG}\n\n2. {LONG}\n\n   {LONG}\n\n- {LONG}\n\n{LONG}",
        f"{LONG}\n```py\n{LONG}\n\nx = 1\n\n{LONG}\n```\n\n# Head\n\n{LONG}\n\n~~~\n{LONG}\n\ny",
    ],
    ids=["paragraphs", "lists", "code"],
)
def test_a_long_text_is_drawn_in_parts_that_stay_while_it_grows(text: str) -> None:
    whole = parts(text)
    assert "".join(whole) == text and len(whole) > 1
    for part in whole:
        assert part.count("```") % 2 == 0 and not part.startswith(("2.", "-", " "))
    for end in range(0, len(text), 97):
        grown = parts(text[:end])
        assert grown[:-1] == whole[: len(grown) - 1]
