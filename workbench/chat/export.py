"""Chats -> text to keep or hand on: JSON with everything in it, Markdown or HTML to read."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Failed, Folded, Notice, Query, Source, Step, Table, Token
from workbench.chat.kept import FORMAT, KeptFile, read_kept
from workbench.language import localized
from workbench.markdown.restricted import plain_text, restricted
from workbench.storage.place import Place

FORMATS = ("json", "md", "html")
ALL = 1_000_000_000
PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.6;
  font-family: system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif; }}
h2 {{ font-size: 1rem; margin-top: 2rem; color: #2f6f73; }}
blockquote {{ margin: 0; padding: .5rem 1rem; border-left: .25rem solid #2f6f73;
  background: #8881; overflow-wrap: anywhere; }}
pre, table {{ display: block; overflow-x: auto; }}
pre {{ padding: .75rem; background: #8881; }}
td, th {{ padding: .25rem .75rem; border-bottom: 1px solid #8884; text-align: left; }}
</style>
<body>
{body}
</body>
</html>
"""


def export_all(conversations: Conversations) -> str:
    """All chats as JSON, which `import_chats` takes back without loss."""
    chats = [chat.id for chat in conversations.recent(limit=ALL)]
    return as_json(conversations.place, chats)


def export_chat(conversations: Conversations, chat: int, form: str, language: str = "en") -> str:
    """One chat in that form; Markdown and HTML hold the versions that are shown.

    Raises NotFound.
    """
    title = conversations.conversation(chat).title
    if form == "json":
        return as_json(conversations.place, [chat])
    text = as_markdown(title, conversations.messages(chat), language)
    return text if form == "md" else as_html(title, text, language)


def as_json(place: Place, chats: Sequence[int]) -> str:
    """These chats with every version, event, rating and choice."""
    kept = KeptFile.model_construct(format=FORMAT, version=1, chats=list(read_kept(place, chats)))
    return kept.model_dump_json(indent=1) + "\n"


def as_markdown(title: str, messages: Sequence[Message], language: str) -> str:
    """The messages under headings: questions quoted, answers with tables, queries and sources."""
    parts = [f"# {_one_line(title)}"]
    for message in messages:
        if message.role == "user":
            parts.append("## " + localized(language, "Question", "问题"))
            parts.append(_quoted(message.content))
        else:
            parts.append("## " + localized(language, "Answer", "回答"))
            parts += _answer(message, language)
    return "\n\n".join(parts) + "\n"


def as_html(title: str, markdown: str, language: str) -> str:
    """A page that stands alone: what `as_markdown` says, drawn."""
    from markdown_it import MarkdownIt

    # the commonmark rules without raw HTML: its links to scripts are refused by markdown-it
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    body = reader.render(markdown)
    lang = localized(language, "en", "zh-CN")
    return PAGE.format(language=lang, title=html.escape(title), body=body)


def _answer(message: Message, language: str) -> list[str]:
    parts: list[str] = []
    sources: list[str] = []
    text = ""
    for event in message.events:
        if isinstance(event, Token):
            text += event.text
        elif isinstance(event, Table):
            parts.append(_table(event))
        elif isinstance(event, Query):
            parts.append(_fenced(event.sql, "sql"))
        elif isinstance(event, Step):
            parts.append(_step(event))
        elif isinstance(event, Notice):
            parts.append(f"*{_one_line(event.text)}*")
        elif isinstance(event, Folded):
            parts.append(f"*{_one_line(event.reason)}*\n\n{_quoted_markdown(event.text)}")
        elif isinstance(event, Failed):
            parts.append(f"**{_one_line(event.problem)}** {_one_line(event.fix)}".strip())
        elif isinstance(event, Source):
            place = _one_line(f"{event.source} {event.locator}")
            sources.append(f"- [{event.number}] {place}")
    text = text or message.content
    if text.strip():
        parts.insert(0, _markdown(text))
    if sources:
        parts.append(localized(language, "Sources:", "来源："))
        parts.append("\n".join(sources))
    if message.correction:
        parts.append(localized(language, "Right would have been:", "正确的回答："))
        parts.append(_quoted(message.correction))
    return parts


def _step(step: Step) -> str:
    """The call as one line, and what it returned quoted; its own query below."""
    arguments = json.dumps(step.arguments, ensure_ascii=False)
    call = f"{step.tool}({arguments})".replace("`", "'")
    lines = [f"*{step.number}.* `{call}` {step.state}"]
    lines += [_fenced(event.sql, "sql") for event in step.own_events() if isinstance(event, Query)]
    lines.append(_quoted_markdown(step.result))
    return "\n\n".join(lines)


def _quoted(text: str) -> str:
    # two spaces at the end of a line keep the person's own line breaks
    return "\n".join(f"> {line}  " for line in plain_text(text, portable=True).split("\n"))


def _quoted_markdown(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _markdown(text).split("\n"))


def _markdown(text: str) -> str:
    """A model's Markdown without what another reader would load: pictures are links."""
    return "\n\n".join(restricted(text, portable=True))


def _fenced(text: str, kind: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{kind}\n{text}\n{fence}"


def _table(table: Table) -> str:
    lines = [_row(table.columns), "|" + " --- |" * len(table.columns)]
    return "\n".join([*lines, *map(_row, table.rows)])


def _row(values: Sequence[Any]) -> str:
    return f"| {' | '.join(map(_cell, values))} |"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return _one_line(text)


def _one_line(text: str) -> str:
    return plain_text(" ".join(text.split()), portable=True)
