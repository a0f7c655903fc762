"""The name of a chat template -> its text, and the markers in it that must be one token each."""

from __future__ import annotations

import re
from pathlib import Path

from finetune.encoding.chat_template import CHATML
from workbench.errors import NotFound
from workbench.messages import say

# Templates write these to begin and end a turn. The full-width bar is DeepSeek's.
MARKERS = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>")


def read_template(template: str) -> str:
    """The text of a Jinja file, or of the template named `chatml`. Raises NotFound."""
    if template == "chatml":
        return CHATML
    try:
        return Path(template).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            say("The chat template {value} cannot be read.", value=template),
            'Name a Jinja file, or "chatml".',
        ) from error


def markers_of(template: str) -> list[str]:
    """The markers that a template writes, each once, in their order."""
    return list(dict.fromkeys(MARKERS.findall(template)))
