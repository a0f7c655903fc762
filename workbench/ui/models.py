"""The chat models that a page offers, listed once in a few seconds however often it is redrawn."""

from __future__ import annotations

import streamlit as st

from workbench.artefacts.model_folder import find_local
from workbench.artefacts.published import find_published
from workbench.connections import read_connections
from workbench.errors import NotFound
from workbench.models.chosen import choose
from workbench.models.listing import NONE, list_models, packaged_models
from workbench.models.servers import server_of
from workbench.settings import Settings
from workbench.ui.session import choices


def reachable_models(settings: Settings) -> list[str]:
    """The names of all chat models that answer now."""
    connected = read_connections(settings.home).model_dump_json()
    return _names(_places(settings), connected, settings)


def automatic_model(settings: Settings) -> str:
    """The model that `auto` chooses now, or `none`."""
    automatic = settings.model_copy(update={"model": "auto"})
    return _picked(_places(settings), automatic, *reachable_models(settings))


def _places(settings: Settings) -> str:
    return str((settings.home, settings.ollama_host, settings.openai_base_url))


def is_gone(name: str, settings: Settings) -> bool:
    """Whether a model was deleted, as far as can be told.

    A server that does not answer now still has its models.
    """
    kind, _, rest = name.partition(":")
    if kind == "local":
        try:
            find_local(rest, settings)
        except NotFound:
            return True
    if kind == "openai":
        server, _ = server_of(rest, settings)
        return server is None
    if kind != "ollama" or find_published(rest, settings):  # that may be on another host
        return False
    served = {one for one in reachable_models(settings) if one.startswith("ollama:")}
    return bool(served) and served.isdisjoint({name, f"{name}:latest"})


def choose_model(name: str) -> None:
    """Have the chat ask this model from now on, which may have been connected just now."""
    look_again()
    choices()["model"] = name


def look_again() -> None:
    """Forget which models there were: one was added or deleted."""
    _names.clear()
    _picked.clear()


# Streamlit leaves arguments that begin with _ out of the cache's key
@st.cache_data(ttl=5, show_spinner=False)
def _names(places: str, connected: str, _settings: Settings) -> list[str]:
    return [model.name for model in [*list_models(_settings), *packaged_models()]]


@st.cache_data(ttl=30, show_spinner=False)
def _picked(places: str, _settings: Settings, *names: str) -> str:
    chosen = choose(_settings)
    return chosen.name if chosen else NONE


def with_chosen(options: list[str], chosen: str) -> list[str]:
    """The options and, second, the chosen one where they lack it: a choice never vanishes."""
    if chosen in options:
        return options
    return [*options[:1], chosen, *options[1:]]
