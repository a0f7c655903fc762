"""Headings met one after the other -> the path of headings over the text that follows."""

from __future__ import annotations


class HeadingPath:
    """The open headings, outermost first. `above` stands before them all."""

    def __init__(self, above: tuple[str, ...] = ()) -> None:
        self._above = above
        self._open: list[tuple[int, str]] = []  # (level, title)

    def enter(self, level: int, title: str) -> None:
        """A heading closes those of its own level and of deeper ones."""
        outer = [heading for heading in self._open if heading[0] < level]
        self._open = [*outer, (level, title)]

    @property
    def titles(self) -> tuple[str, ...]:
        return self._above + tuple(title for _, title in self._open)
