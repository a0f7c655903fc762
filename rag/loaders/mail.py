"""Mails (eml, Outlook's msg) -> subject, sender and text."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path

from rag.loaders import html
from rag.loaders.text import paragraphs
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    yield from _msg(path) if path.suffix.lower() == ".msg" else _eml(path)


def _msg(path: Path) -> Iterator[Block]:
    from oxmsg import Message

    try:
        message = Message.load(str(path))
        subject, sender, text, markup = (
            message.subject,
            message.sender,
            message.body,
            message.html_body,
        )
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InvalidInput(
            say("The mail is damaged: {error}", error=error),
            "Save it again from Outlook, or as eml.",
        ) from error
    yield from _mail(subject or "", sender or "", text or "", markup or "")


def _eml(path: Path) -> Iterator[Block]:
    message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    texts = {"plain": "", "html": ""}
    for kind in texts:
        body = message.get_body((kind,))
        try:
            texts[kind] = body.get_content() if body else ""
        except (LookupError, KeyError) as error:
            raise InvalidInput(
                say("The mail's text cannot be read: {error}", error=error),
                "Export the mail again.",
            ) from error
    yield from _mail(
        str(message["subject"] or ""), str(message["from"] or ""), texts["plain"], texts["html"]
    )


def _mail(subject: str, sender: str, text: str, markup: str) -> Iterator[Block]:
    heading = (subject,) if subject else ()
    for line in (subject, sender):
        if line:
            yield Block(line, Locator(heading=heading))
    yield from paragraphs(text, heading=heading) if text.strip() else html.blocks(markup, heading)
