"""What a page shows of an answer: parts that stay while it grows, badges, sources, labels."""

from __future__ import annotations

import pytest

from agents.display import (
    cited_first,
    context_fill,
    context_words,
    effort,
    lineage_lines,
    previews,
    text_beside_tables,
    vote_labels,
)
from agents.markdown import parts
from workbench.chat.conversations import Message
from workbench.chat.events import Done, Event, Source, Table, Token
from workbench.markdown.restricted import restricted
from workbench.ui.charts import harmless_chart


def source(number: int) -> Source:
    return Source(number, "text", "leave.md", "p. 1", 0.5, f"id-{number}", "handbook")


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
    whole = parts(restricted(text))
    assert "\n\n".join(whole) == "\n\n".join(restricted(text)) and len(whole) > 1
    for part in whole:
        assert part.count("```") % 2 == 0 and not part.startswith(("2.", " "))
    for end in range(0, len(text), 97):
        grown = parts(restricted(text[:end]))
        assert grown[:-1] == whole[: len(grown) - 1]


def answer(*events: Event, content: str = "") -> Message:
    return Message(1, 1, "assistant", content, list(events), mode="documents")


def test_the_context_is_counted_where_the_model_counts_and_estimated_elsewhere() -> None:
    counted = Done("ollama:x", 1.0, 40, {}, 2.0, read=160, window=2000)
    fill = context_fill([answer(counted)], 8192)
    assert fill and (fill.used, fill.window, fill.estimated) == (200, 2000, False)
    assert context_words(fill, "en") == "context 10%: 200 of 2,000 tokens"
    with_passages = answer(counted, source(1), content="nine letters")
    fill = context_fill([with_passages], 8192)
    assert fill and fill.estimated and fill.used < 20
    assert context_words(fill, "zh").startswith("上下文 0%：约 ")
    assert context_fill([answer(Done("none", 1.0))], 8192) is None
    assert context_fill([], 8192) is None
    full = context_fill([answer(Done("x", 1.0, 90, read=90, window=100))], 8192)
    assert full and full.share == 1.0


def test_an_estimated_speed_says_so() -> None:
    done = Done("openai:x", 9.0, 40, {}, 2.0, estimated=True)
    assert effort(done, "en") == "openai:x · 9.0 s · ≈ 20 tokens/s"


def test_only_cited_passages_are_previewed_and_cut() -> None:
    long = Source(2, "line\n\n" * 200, "a/leave.md", "p. 1", 0.5, "id", "handbook")
    shown = previews([source(1), long, Token("as [2] says")])
    assert list(shown) == [2]
    assert shown[2].title == "leave.md" and shown[2].text.startswith("line\nline")
    assert len(shown[2].text) == 320 and shown[2].text.endswith("…")


def test_what_an_answer_rests_on_is_named_and_empty_facts_are_left_out() -> None:
    lineage = {"tables": ["a", "b"], "whole_schema": True, "digest": "", "new": {"x": 1}}
    lines = lineage_lines(answer(Done("none", 1.0, 0, lineage)), "en")
    assert lines == [
        ("Answered by", "Documents"),
        ("Tables that were looked at", "a, b"),
        ("The whole schema was given", "yes"),
        ("new", "x 1"),
    ]


def test_a_chart_loads_nothing_of_its_data_and_titles() -> None:
    where = "http://evil.example/p.png"
    spec = {
        "usermeta": {"embedOptions": {"patch": where}},
        "data": {"values": [{"image": where, "url": where}], "url": where},
        "mark": {"type": "image", "url": where, "tooltip": {"content": "data"}},
        "config": {"bar": {"tooltip": {"signal": "{image: datum.image}"}}},
        "layer": [{"encoding": {"y": {"field": "image"}, "href": {"field": "url"}}}],
        "encoding": {"x": {"field": "x", "title": "image"}, "tooltip": [{"field": "title"}]},
    }
    assert harmless_chart(spec) == {
        "data": {"values": [{"image": where, "url": where}]},
        "mark": {"type": "image", "tooltip": True},
        "config": {"bar": {"tooltip": True}},
        "layer": [{"encoding": {"y": {"field": "image", "title": "image "}}}],
        "encoding": {
            "x": {"field": "x", "title": "image "},
            "tooltip": [{"field": "title", "title": "title "}],
        },
    }
