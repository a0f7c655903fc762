"""An optional library by name, or an error with the command that installs it."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from workbench.errors import Unavailable
from workbench.messages import Message, say

_importing = threading.Lock()


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import `module`, which that extra installs; raises Unavailable with the exact command."""
    try:
        return import_module(module)
    except ImportError as error:
        raise _missing(module, extra, purpose) from error


def check_extra(extra: str, modules: Sequence[str], purpose: str) -> None:
    """Raises Unavailable, with the exact command, where a module of that extra is missing."""
    for module in modules:
        if find_spec(module) is None:
            raise _missing(module, extra, purpose)


def _missing(module: str, extra: str, purpose: str) -> Unavailable:
    return Unavailable(
        say(
            "{purpose} needs the library {module}, which is not installed.",
            purpose=purpose,
            module=module.split(".")[0],
        ),
        how_to_install(extra),
    )


def how_to_install(extra: str) -> Message:
    """The exact command that installs an extra."""
    return say(
        'Run: .venv/bin/uv pip install --python .venv/bin/python -e ".[{extra}]"', extra=extra
    )


def quiet_transformers() -> None:
    """Import transformers without its warnings and short bars; downloads keep their bar.

    Call it before anything that imports transformers where threads may do so at the same moment:
    it replaces itself while it is imported, and a second thread would get it half made.
    """
    # where torch is not installed it would say so, which the extra `local` says when it matters
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    with _importing:
        from transformers.utils import logging as chatter

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    # the positions of a text behind trained embeddings are what PEFT makes them
    warnings.filterwarnings("ignore", message="Position ids are not supported")
    # PEFT imports it where it is installed, and it names a faster kernel that is not
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
