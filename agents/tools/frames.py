"""The table of a step -> a pandas frame whose columns of written numbers are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.chat.events import Table

if TYPE_CHECKING:
    import pandas


def frame_of(table: Table) -> pandas.DataFrame:
    """The table as a frame; a column that holds only written numbers is read as numbers."""
    import pandas

    frame = pandas.DataFrame(table.rows, columns=table.columns)
    for name in frame.columns:
        numbers = pandas.to_numeric(frame[name], errors="coerce")
        if numbers.notna().equals(frame[name].notna()) and numbers.notna().any():
            frame[name] = numbers
    return frame


def table_of(value: Any) -> Table | None:
    """A frame or a series as a table of JSON values; None for anything else."""
    import pandas

    if isinstance(value, pandas.Series):
        named = value.index.name is not None or not isinstance(value.index, pandas.RangeIndex)
        name = str(value.name) if value.name is not None else "value"
        value = value.rename(name).reset_index() if named else value.to_frame(name)
    if not isinstance(value, pandas.DataFrame):
        return None
    rows = [[plain_value(cell) for cell in row] for row in value.itertuples(index=False)]
    return Table([str(name) for name in value.columns], rows)


def plain_value(cell: Any) -> Any:
    """A cell as JSON has it: numpy's numbers as Python's, a missing one as None."""
    import pandas

    if hasattr(cell, "item"):
        cell = cell.item()
    if cell is None or cell is pandas.NaT or cell != cell:
        return None
    if isinstance(cell, bool | int | float | str):
        return cell
    return str(cell)
