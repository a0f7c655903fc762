"""A name that a person has given -> the name as it is kept."""

from __future__ import annotations

from workbench.errors import InvalidInput
from workbench.messages import say


def checked_name(name: str, longest: int) -> str:
    """The name with single spaces. Raises InvalidInput for none, and for one that is too long."""
    name = " ".join(name.split())
    if not name or len(name) > longest:
        raise InvalidInput(
            say("A name of 1 to {longest} characters is needed.", longest=longest),
            "Write another name.",
        )
    return name
