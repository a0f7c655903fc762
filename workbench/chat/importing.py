"""The text of an exported file -> chats in the workspace: ours, Open WebUI's or ChatGPT's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from workbench.chat.foreign import READERS
from workbench.chat.kept import FORMAT, KeptChat, KeptFile, write_kept
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.storage.place import Place

WHAT_FITS = (
    "Choose a JSON export of these chats, of Open WebUI, or the conversations.json of ChatGPT."
)
LONGEST_NAME = 40  # characters of a title in an error


@dataclass(frozen=True)
class Imported:
    """How many chats were new, and how many of the file were here already."""

    added: int
    known: int


def import_chats(database: Place, data: bytes) -> Imported:
    """Add the chats of a file to that database, all or none; a chat that is here stays as it is.

    Raises InvalidInput, which names the entry.
    """
    chats = read_chats(data)
    added = write_kept(database, chats)
    return Imported(added, len(chats) - added)


def read_chats(data: bytes) -> list[KeptChat]:
    """The chats in an exported file. Raises InvalidInput, which names the entry."""
    try:
        content = json.loads(data.decode("utf-8-sig"))
        json.dumps(content, ensure_ascii=False).encode()  # halves of characters cannot be stored
    except (ValueError, RecursionError) as error:
        raise InvalidInput(say("The file is not JSON: {error}", error=error), WHAT_FITS) from error
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return _ours(content)
    # a single chat stands alone in the file
    entries = content if isinstance(content, list) else [content]
    return [_foreign(entry, number) for number, entry in enumerate(entries, 1)]


def _ours(content: dict[str, Any]) -> list[KeptChat]:
    try:
        return KeptFile.model_validate(content).chats
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(
            say("{place}: {problem}", place=_place(first["loc"]), problem=first["msg"]),
            "Export the chats again, or take this chat out of the file; nothing was imported.",
        ) from error


def _place(path: tuple[int | str, ...]) -> str:
    """Where in the file: chats[3].messages[7].role, counted from 0 as in JSON."""
    place = ""
    for part in path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    return place.lstrip(".") or FORMAT


def _foreign(entry: Any, number: int) -> KeptChat:
    for fits, read in READERS:
        if fits(entry):
            try:
                return read(entry)
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                raise InvalidInput(
                    say(
                        "Chat {number} ({title}) cannot be read: {error}",
                        number=number,
                        title=str(entry.get("title", ""))[:LONGEST_NAME],
                        error=_short(error),
                    ),
                    "Take it out of the file or export it again; nothing was imported.",
                ) from error
    raise InvalidInput(
        say("Entry {number} of the file is not a chat of a known form.", number=number), WHAT_FITS
    )


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return error.errors(include_url=False)[0]["msg"]
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error)
