"""Where an extended base goes: a folder that is free, or one that another extension has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.vocabulary.report import FIGURES
from workbench.errors import Conflict, InvalidInput
from workbench.files import locked, remove_parts, writing
from workbench.messages import say


def check_place(out: Path, base: Path | None, replace: bool) -> None:
    """Raises Conflict where the folder is taken, InvalidInput where it cannot be used at all.

    `replace` only deletes what an extension has made: never another model, and never the base.
    """
    if out.exists() and not out.is_dir():
        raise InvalidInput(say("{out} is a file.", out=out), "Name a folder.")
    if base:
        _check_apart(out.resolve(), base.resolve())
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / FIGURES).exists():
        raise Conflict(say("{out} holds something else already.", out=out), "Name another folder.")
    if not replace:
        raise Conflict(
            say("{out} holds an extended base already.", out=out),
            "Name another folder, or --replace.",
        )


def _check_apart(out: Path, base: Path) -> None:
    if out == base or base in out.parents or out in base.parents:
        raise InvalidInput(
            say("{out} and the base {base} lie in each other.", out=out, base=base),
            "Name a folder beside the base.",
        )


@contextmanager
def placing(out: Path, base: Path, replace: bool) -> Iterator[Path]:
    """A folder to fill; it becomes `out` once it is whole. One process at a time does so."""
    target = out.absolute()
    with locked(target):
        check_place(target, base, replace)  # another process may have been first
        remove_parts(target)
        with writing(target) as part:
            part.mkdir()
            yield part
