"""The sanitizer, without a browser: nothing loads, runs or hides in what it prints, whole or half written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from payloads import HUGE, SHORT, Payload

from workbench.chat.conversations import Message
from workbench.chat.events import Failed, Folded, Notice, Source, Step, Table, Token
from workbench.chat.export import as_markdown
from workbench.markdown.restricted import plain_text, restricted, text_with_code

# the widest reader: raw HTML, references and all
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
SECONDS = 8.0  # for the slowest of the huge texts on a busy machine
GOOD_LINK = re.compile(r"https?://[\w.\[\]:-]+(?:[/?#][^\s<>]*)?|#passage-\d+-\d+")


def dangers(markdown: str) -> Iterator[str]:
    """What a reader would load, run or link of the printed text."""
    for block in READER.parse(markdown):
        for token in [block, *(block.children or [])]:
            if token.type in ("image", "html_block", "html_inline"):
                yield f"{token.type}: {token.content[:80]}"
            elif token.type == "link_open" and not GOOD_LINK.fullmatch(str(token.attrs["href"])):
                yield f"link: {token.attrs['href']}"


def printed(text: str, portable: bool = False) -> str:
    return "\n\n".join(restricted(text, {"1": "passage-1-1"}, portable=portable))


def test_the_corpus_is_large() -> None:
    assert len(SHORT) + len(HUGE) >= 200
    assert len({payload.kind for payload in SHORT}) >= 7


def test_no_payload_loads_runs_or_links_astray() -> None:
    for payload in SHORT:
        for portable in (False, True):
            assert not list(dangers(printed(payload.text, portable))), payload
            assert not list(dangers(plain_text(payload.text, portable=portable))), payload
        assert not list(dangers(text_with_code(payload.text))), payload


def test_half_an_answer_is_as_safe_as_the_whole() -> None:
    checked = 0
    for payload in SHORT:
        for end in range(len(payload.text)):
            checked += 1
            assert not list(dangers(printed(payload.text[:end]))), payload.text[:end]
    assert checked > 5_000


def test_two_payloads_together_are_as_safe_as_each() -> None:
    texts = [payload.text for payload in SHORT]
    for number, text in enumerate(texts):
        other = texts[(number * 7 + 3) % len(texts)]
        for together in (f"{text}{other}", f"{text}\n{other}", f"> {text}\n\n- {other}"):
            assert not list(dangers(printed(together))), together


def test_plain_text_is_nothing_but_paragraphs_of_text() -> None:
    blocks = {"paragraph_open", "inline", "paragraph_close"}
    for payload in SHORT:
        tokens = READER.parse(plain_text(payload.text, portable=True))
        assert {token.type for token in tokens} <= blocks, payload
        inner = {child.type for token in tokens for child in token.children or []}
        assert inner <= {"text", "softbreak", "hardbreak"}, payload


@pytest.mark.parametrize("payload", HUGE, ids=lambda payload: payload.text[:12])
def test_a_huge_text_is_cut_and_quick(payload: Payload) -> None:
    begun = time.monotonic()
    blocks = restricted(payload.text)
    plain = plain_text(payload.text)
    assert time.monotonic() - begun < SECONDS
    assert sum(map(len, blocks)) < 2_000_000 and len(plain) < 2_000_000
    assert not list(dangers(blocks[0][:5_000]))
    if len(payload.text) > 100_000:
        assert "more characters are not shown" in plain.replace("\\", "")
        assert blocks[-1].endswith("are not shown.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a <div> for $5", "a \\<div\\> for \\$5"),
        ("**b** *i* ~~s~~ `c`", "**b** *i* ~~s~~ `c`"),
        ("$5 and $6, but $x^2$", "\\$5 and \\$6, but $x^2$"),
        ("| a |\n|--:|\n| `x\\|y` |", "| a |\n| ---: |\n| `x\\|y` |"),
        ("| a |\n|---|\n| $\\|x\\|$ |", "| a |\n| --- |\n| $\\vert x\\vert $ |"),
        ("- [x] a\n- [ ] b\n   1. c", "- [x] a\n- [ ] b\n  1. c"),
        ("> 引用\n\n# 标题\n\n***", "> 引用\n\n# 标题\n\n___"),
        ("$$\nx\n$$", "$$\nx\n$$"),
        ("```py\nx = '<'\n```", "```py\nx = '<'\n```"),
        ("~~~\n```\n~~~", "````\n```\n````"),
        ("as [1] and [2] `[1]`", "as [1](#passage-1-1) and \\[2\\] `[1]`"),
        ("[here](https://a.b/c)", "[here ↗ a.b](<https://a.b/c>)"),
        ("[a.b/c](https://a.b/c)", "[a.b/c](<https://a.b/c>)"),
        ("[x](https://\u0430.b)", "[x ↗ xn--80a.b](<https://xn--80a.b>)"),
        ("[x](leave.md)", "x \\(leave.md\\)"),
        (
            "![logo](http://a.b/c.png)",
            "[:gray-badge[:material/image: logo · a.b]](<http://a.b/c.png>)",
        ),
        ("![logo](data:x)", "\\!\\[logo\\]\\(data\\:x\\)"),
        ("a\u202eb", "a⟨U\\+202E⟩b"),
    ],
)
def test_ordinary_markdown_stays_and_the_rest_is_told(text: str, shown: str) -> None:
    assert printed(text) == shown


def test_plain_text_begins_no_block_and_no_short_name() -> None:
    assert plain_text("- a\n1. b\n=c") == "\\- a\n1\\. b\n\\=c"
    assert plain_text("at 10:30 :smile:") == "at 10\\:30 :color[\\:]smile\\:"
    assert plain_text("http://a.b") == "http:color[\\:]//a.b"
    assert plain_text("a@b.c") == "a:color[\\@]b.c"


def test_code_within_our_own_sentences_is_code() -> None:
    assert text_with_code("Run `a | b` - <now>") == "Run `a | b` - \\<now\\>"
    assert text_with_code("1. `x`") == "1\\. `x`"


def test_an_exported_chat_is_as_harmless() -> None:
    table = Table([SHORT[0].text, "b"], [[payload.text, None] for payload in SHORT])
    messages = [Message(0, 1, "assistant", "", [table])]
    for _, text in SHORT:
        step = Step(1, "ask", {"question": text}, text, "done", 0.1)
        source = Source(1, "", text, text, 1.0, "x", "h")
        events = [Token(text), step, Notice(text), Folded(text, text), Failed(text, text), source]
        messages += [Message(1, 1, "user", text), Message(2, 1, "assistant", "", events)]
    exported = as_markdown(SHORT[0].text, messages, "en")
    assert exported.count("evil.example") > 500
    assert not list(dangers(exported))
