"""`workbench chats`: list, search, export and import the chats of the workspace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from workbench.chat.conversations import Conversation, Conversations
from workbench.chat.export import FORMATS, export_all, export_chat
from workbench.chat.importing import import_chats
from workbench.cli import (
    LazyCommands,
    contributed_commands,
    json_option,
    print_json,
    reports_errors,
)
from workbench.errors import InvalidInput
from workbench.files import write_text
from workbench.settings import load_settings


@click.group(cls=LazyCommands, commands_by_name=contributed_commands("chats"))
def chats() -> None:
    """List, search, export, import and replay chats; what an answer rests on."""


@chats.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@json_option
@reports_errors
def list_command(limit: int, as_json: bool) -> None:
    """Chats, pinned ones first, then the newest. Example: workbench chats list"""
    _show(_conversations().recent(limit=limit), as_json)


@chats.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@json_option
@reports_errors
def search(text: str, limit: int, as_json: bool) -> None:
    """Chats with that text in a title or message. Example: workbench chats search warranty"""
    _show(_conversations().recent(text, limit), as_json)


@chats.command("export")
@click.option("--chat", type=int, help="Number of one chat; without it all chats, as JSON.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="Form."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write; one that exists is replaced.",
)
@json_option
@reports_errors
def export_command(chat: int | None, form: str, out: Path, as_json: bool) -> None:
    """Write one chat, or all of them, to a file.

    \b
    Example:
      workbench chats export --out chats.json
      workbench chats export --chat 12 --format md --out chat.md
    """
    conversations = _conversations()
    if chat is not None:
        text = export_chat(conversations, chat, form)
    elif form == "json":
        text = export_all(conversations)
    else:
        raise InvalidInput("Only JSON holds several chats.", "Name one chat: --chat N")
    write_text(out, text)
    if as_json:
        print_json({"event": "exported", "file": str(out), "bytes": len(text.encode())})
    else:
        click.echo(out)


@chats.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@reports_errors
def import_command(file: Path, as_json: bool) -> None:
    """Add the chats of a file: an export of this command, of Open WebUI or of ChatGPT.

    \b
    All are added or none; a chat that is here already stays as it is.
    Example:
      workbench chats import conversations.json
    """
    imported = import_chats(_conversations().place, file.read_bytes())
    if as_json:
        print_json({"event": "imported", "added": imported.added, "known": imported.known})
    else:
        click.echo(f"{imported.added} added, {imported.known} were here already")


def _conversations() -> Conversations:
    return Conversations(load_settings().database)


def _show(found: Sequence[Conversation], as_json: bool) -> None:
    for chat in found:
        if as_json:
            row = {"id": chat.id, "title": chat.title, "updated": chat.updated}
            print_json(row | {"folder": chat.folder, "pinned": chat.pinned})
        else:
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(chat.updated))
            click.echo(f"{chat.id:>6}  {day}  {chat.title}")
