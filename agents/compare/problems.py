"""Several errors -> one that says them all."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import WorkbenchError
from workbench.messages import listed


def together(errors: Sequence[WorkbenchError]) -> WorkbenchError:
    """One error of the kind of the first: every problem and every fix on a line of its own."""
    first = errors[0]
    if len(errors) == 1:
        return first
    problems = listed([error.problem for error in errors], "\n")
    fixes = listed(dict.fromkeys(error.fix for error in errors), "\n")
    return type(first)(problems, fixes)
