"""Mails (eml, Outlook's msg) -> subject, sender and text."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from rag.loaders import html
from rag.loaders.text import paragraphs
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """Subject and sender, then the text under the subject."""
    yield from _msg(path) if path.suffix.lower() == ".msg" else _eml(path)


def _msg(path: Path) -> Iterator[Block]:
    from oxmsg import Message

    try:
        message = Message.load(str(path))
        subject = message.subject or ""
        sender = message.sender or ""
        text = message.body or ""
        markup = message.html_body or ""
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InvalidInput(
            say("The mail is damaged: {error}", error=error),
            "Save it again from Outlook, or as eml.",
        ) from error
    yield from _mail(subject, sender, text, markup)


def _eml(path: Path) -> Iterator[Block]:
    message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    subject = str(message["subject"] or "")
    sender = str(message["from"] or "")
    yield from _mail(subject, sender, _body(message, "plain"), _body(message, "html"))


def _body(message: EmailMessage, kind: str) -> str:
    """The text of that kind, empty where the mail has none."""
    body = message.get_body((kind,))
    try:
        return body.get_content() if body else ""
    except (LookupError, KeyError) as error:
        raise InvalidInput(
            say("The mail's text cannot be read: {error}", error=error), "Export the mail again."
        ) from error


def _mail(subject: str, sender: str, text: str, markup: str) -> Iterator[Block]:
    heading = (subject,) if subject else ()
    for line in (subject, sender):
        if line:
            yield Block(line, Locator(heading=heading))
    if text.strip():
        yield from paragraphs(text, heading=heading)
    else:
        yield from html.blocks(markup, heading)
