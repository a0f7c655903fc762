"""A part of a run file -> a frozen pydantic model; and the row of a problem in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1)]


class Section(BaseModel):
    """A part of the run file. Its values never change, and an unknown key is a problem."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MethodSection(Section):
    """The settings of a method. Several methods may share a section; the key `method` names one."""

    method: str = ""


def problem(where: str, what: str, fix: str) -> dict[str, str]:
    """One row of what `check` reports: the place in the file, the fault, and the fix."""
    return {"where": where, "problem": what, "fix": fix}
