"""What a finished job has made: a sentence, and the page that shows it with the thing selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from workbench.contributions import load_place
from workbench.jobs.job import Job
from workbench.jobs.kinds import kind_of
from workbench.ui.selecting import select


@dataclass(frozen=True)
class Made:
    """`text` is plain text in the page's language."""

    text: str
    page: str = ""
    """The file of the page that shows it."""

    selected: Mapping[str, Any] = field(default_factory=dict)
    """Key of a selector on that page -> the option of it that was made."""

    query: Mapping[str, str] = field(default_factory=dict)
    """What stands behind the page's address, such as the number of a chat."""

    def open(self) -> None:
        """Go to the page with the thing selected."""
        for key, value in self.selected.items():
            select(key, value)
        st.switch_page(self.page, query_params=dict(self.query) or None)


def made_by(job: Job) -> Made | None:
    """What its package says the job has made; None where it says nothing."""
    place = kind_of(job).made
    return load_place(place)(job) if place else None
