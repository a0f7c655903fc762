"""Who acts, for records that say it: the person who signed in, else the account of the machine."""

from __future__ import annotations

import getpass
import os

from workbench.settings import Settings


def who_acts(settings: Settings) -> str:
    """The person's name; where nobody signs in, that of the account that runs the program."""
    if settings.person:
        return settings.person
    if settings.home.parent.name == "people":  # a space of one's own
        return settings.home.name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user of that number
        return str(os.getuid()) if hasattr(os, "getuid") else ""
