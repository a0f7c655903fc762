"""A pattern and an answer -> whether the answer has its form, and what its groups say."""

from __future__ import annotations

import re

from workbench.errors import InvalidInput
from workbench.messages import say


def read_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern; its dot matches any character of one line. Raises InvalidInput."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidInput(
            say("The pattern cannot be read: {error}", error=error),
            "Correct --pattern, a regular expression of Python.",
        ) from error


def groups_in(pattern: re.Pattern[str], text: str) -> tuple[str | None, ...] | None:
    """The texts of the pattern's groups in an answer; None where it has another form."""
    found = pattern.search(text.strip())
    return found.groups() if found else None
