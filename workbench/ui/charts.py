"""A chart as a page may draw it: it loads nothing, whatever its data and titles are."""

from __future__ import annotations

from typing import Any

import streamlit as st

# they name an address, or tell the program that draws it what to load
LEFT_OUT = ("url", "href", "usermeta")
# the box under the pointer makes a picture of what is titled so, and a heading
DRAWN_IN_THE_BOX = ("image", "title")


def show_chart(spec: dict[str, Any], **options: Any) -> None:
    """Draw a Vega-Lite specification that holds its data."""
    st.vega_lite_chart(harmless_chart(spec), **options)


def harmless_chart(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification without what loads; the data stays as it is."""
    return {key: _harmless(value, key) for key, value in spec.items() if key not in LEFT_OUT}


def _harmless(value: Any, key: str) -> Any:
    if key == "values":
        return value  # data
    if key == "tooltip":
        return _box(value)
    if key == "title" and value in DRAWN_IN_THE_BOX:
        return f"{value} "
    if isinstance(value, list):
        return [_harmless(one, "") for one in value]
    if not isinstance(value, dict):
        return value
    kept = harmless_chart(value)
    if kept.get("field") in DRAWN_IN_THE_BOX and not kept.get("title"):
        kept["title"] = f"{kept['field']} "
    return kept


def _box(value: Any) -> Any:
    """Fields with their titles; what would show whole rows or a text of its own does not."""
    if isinstance(value, list):
        return [_box(one) for one in value]
    if isinstance(value, dict) and "field" not in value:
        return True
    return _harmless(value, "")
