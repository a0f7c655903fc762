"""Select what was just made: a selector shows the new thing, or the neighbour of a deleted one.

Streamlit lets nobody change a widget that it has already drawn, and the browser keeps the value of
a widget that the server has forgotten. So a wish is noted, and granted before the next drawing:

    select("shown_run", "crew-2")                               # after Start, on any page
    name = choose(st.selectbox, "Run", names, "shown_run")      # where the selector is drawn
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st


@dataclass(frozen=True)
class _Drawn:
    """What a selector has shown last."""

    options: tuple[Any, ...]
    value: Any


def select(key: str, value: Any) -> None:
    """Have the selector of that key show the value as soon as it is among its options.

    What the person selects there in the meantime counts more.
    """
    _wishes()[key] = value


def choose(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[Any],
    key: str,
    first: Any = None,
    **how: Any,
) -> Any:
    """Draw a selector on which `select` works; returns the option chosen.

    `draw` is `st.selectbox`, `st.segmented_control` or the like, or a column's. `options` is not
    empty. `first` is chosen before the person has chosen anything. Where the option chosen is gone,
    the one that stood after it is, else the one before it.
    """
    value = _value(key, tuple(options), first)
    st.session_state[key] = value  # always: the browser may still show the option's former text
    chosen = draw(label, options, key=key, **how)
    _drawn()[key] = _Drawn(tuple(options), chosen)
    return chosen


def choose_view(label: str, labels: Mapping[Any, str], key: str) -> Any:
    """The option that is chosen in a row of buttons without a caption; one always is."""
    return choose(
        st.segmented_control,
        label,
        list(labels),
        key,
        format_func=labels.__getitem__,
        label_visibility="collapsed",
        required=True,
    )


def fold(draw: Callable[..., Any], label: str, key: str, **how: Any) -> Any:
    """Draw a popover or an expander that `select(key, False)` closes and `True` opens."""
    wish = _wishes().pop(key, None)
    if wish is not None:
        st.session_state[key] = wish
    return draw(label, key=key, on_change="rerun", **how)


def _value(key: str, options: tuple[Any, ...], first: Any) -> Any:
    """What the selector is to show now."""
    drawn = _drawn().get(key)
    now = st.session_state.get(key)
    if drawn and now is not None and now not in drawn.options:
        now = drawn.value  # the browser tells the option by its former text: "crew · running"
    if drawn and now is not None and now != drawn.value:  # the person has selected since
        _wishes().pop(key, None)
    if _wishes().get(key) in options:
        return _wishes().pop(key)
    if now in options:
        return now
    # Streamlit forgets the widgets of a page that is left; the page's own choice is `first`
    if now is not None and drawn and now in drawn.options:
        return _neighbour(now, drawn.options, options)
    return first if first in options else options[0]


def _neighbour(gone: Any, before: tuple[Any, ...], options: tuple[Any, ...]) -> Any:
    place = before.index(gone)
    nearest = [*before[place + 1 :], *reversed(before[:place])]
    return next((option for option in nearest if option in options), options[0])


def _wishes() -> dict[str, Any]:
    return st.session_state.setdefault("wished_selections", {})


def _drawn() -> dict[str, _Drawn]:
    return st.session_state.setdefault("drawn_selectors", {})
