"""The corpus of hostile texts (payloads.toml), short ones and huge ones."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Payload(NamedTuple):
    """A text, and what kind of attack it is."""

    kind: str
    text: str


def _read() -> tuple[list[Payload], list[Payload]]:
    data = tomllib.loads(Path(__file__).with_name("payloads.toml").read_text("utf-8"))
    huge = [
        Payload("huge", one.get("begin", "") + one["unit"] * one["count"])
        for one in data.pop("huge")
    ]
    short = [Payload(kind, text) for kind, texts in data.items() for text in texts]
    return short, huge


SHORT, HUGE = _read()
