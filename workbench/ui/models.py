"""The chat models that a page offers, listed once in a few seconds however often it is redrawn."""

from __future__ import annotations

import streamlit as st

from workbench.models.chosen import choose
from workbench.models.listing import NONE, list_models
from workbench.settings import Settings


def reachable_models(settings: Settings) -> list[str]:
    """The names of all chat models that answer now."""
    return _names(str(settings.home), settings.ollama_host, settings.openai_base_url, settings)


def automatic_model(settings: Settings) -> str:
    """The model that `auto` chooses now, or `none`."""
    automatic = settings.model_copy(update={"model": "auto"})
    return _picked(automatic, *reachable_models(settings))


# Streamlit leaves arguments that begin with _ out of the cache's key
@st.cache_data(ttl=5, show_spinner=False)
def _names(home: str, ollama_host: str, openai_base_url: str, _settings: Settings) -> list[str]:
    return [model.name for model in list_models(_settings)]


@st.cache_data(ttl=30, show_spinner=False)
def _picked(_settings: Settings, *names: str) -> str:
    chosen = choose(_settings)
    return chosen.name if chosen else NONE


def with_chosen(options: list[str], chosen: str) -> list[str]:
    """The options and, second, the chosen one where they lack it: a choice never vanishes."""
    if chosen in options:
        return options
    return [*options[:1], chosen, *options[1:]]
