"""WORKBENCH_NAME_FILE -> WORKBENCH_NAME: a secret that a container finds in a file."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.messages import say

BEGIN, END = "WORKBENCH_", "_FILE"


def read_secret_files() -> None:
    """Put what the files hold into the environment, in place of the variables that name them.

    So a setting, a server's key and whatever a job inherits are read in one way. Raises
    InvalidInput for a file that cannot be read, and where both variables are set.
    """
    for variable in [name for name in os.environ if name.startswith(BEGIN) and name.endswith(END)]:
        path = os.environ.pop(variable, "")
        if not path:
            continue
        name = variable.removesuffix(END)
        if os.environ.get(name):
            raise InvalidInput(
                say("{name} and {variable} are both set.", name=name, variable=variable),
                "Keep the one that is meant.",
            )
        os.environ[name] = _read(variable, Path(path))


def _read(variable: str, path: Path) -> str:
    """The file's text; the end of its last line is no part of a secret."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise InvalidInput(
            say(
                "{variable} names the file {path}, which cannot be read: {reason}",
                variable=variable,
                path=path,
                reason=reason,
            ),
            "Let the process read it, or name another.",
        ) from error
