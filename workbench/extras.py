"""An optional library by name -> the module, or an error with the command that installs it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from workbench.errors import Unavailable


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import `module`, which the extra named `extra` installs; raises Unavailable with the exact command."""
    try:
        return import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"{purpose} needs the library {module.split('.')[0]}, which is not installed.",
            f'Run: .venv/bin/uv pip install --python .venv/bin/python -e ".[{extra}]"',
        ) from error
