"""A message in the language of the page."""

from __future__ import annotations

from workbench.contributions import chinese
from workbench.messages import translate


def in_chinese(text: str) -> str:
    """The message in Chinese, as far as the packages' catalogues have it."""
    return translate(text, chinese())
