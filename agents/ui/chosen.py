"""What the open chat has chosen: loaded when it is opened, kept when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from agents.beside import ARMS, BLIND, Beside, read_beside
from agents.choices import MODE, SPOKEN, keep_last, last_choices, usable
from agents.presets import read_shelf
from agents.registry import AUTO
from workbench.chat.conversations import Conversations
from workbench.errors import NotFound, WorkbenchError
from workbench.settings import Settings
from workbench.ui.chips import notices
from workbench.ui.widgets import choices, page_settings

OF = "choices_of"  # the chat whose choices the session has; None is one without a question yet
KEPT = "choices_kept"  # as they were when they were last kept


def follow_chat(conversation: int | None, conversations: Conversations, settings: Settings) -> None:
    """Have the session choose what this chat has chosen, and keep what has changed since.

    A new chat begins with the default preset, else with the last choices. What another page has
    chosen in the meantime counts more: a collection just made, a run just trained.
    """
    first = OF not in st.session_state
    if not first and st.session_state[OF] == conversation:
        keep_choices(conversation, conversations, settings)
        return
    if conversation is not None:
        load_choices(_stored(conversation, conversations))
    else:
        since = _changed_since(st.session_state.get(KEPT, {}))
        load_choices({**_to_begin_with(first, settings), **since})
    st.session_state[OF] = conversation
    st.session_state[KEPT] = now_chosen()


def keep_choices(
    conversation: int | None, conversations: Conversations, settings: Settings
) -> None:
    """Keep what is chosen with the chat, and as the last choices of the workspace."""
    chosen = now_chosen()
    same = st.session_state.get(OF) == conversation
    if same and st.session_state.get(KEPT) == chosen:
        return
    if conversation is not None:
        conversations.set_settings(conversation, chosen)
    keep_last(chosen, settings)
    st.session_state[OF] = conversation
    st.session_state[KEPT] = chosen


def chat_settings() -> Settings:
    """The settings of the open chat, for its answers."""
    return page_settings().model_copy(update=spoken())


def spoken() -> dict[str, Any]:
    """How the model of the open chat is to speak: fields of Settings.

    Other pages do not see these: a temperature for one chat is none for publishing a model.
    """
    return st.session_state.setdefault("spoken", {})


def now_chosen() -> dict[str, Any]:
    """The choices of the session with the mode, as a chat or a preset keeps them."""
    mode = st.session_state.get(MODE) or AUTO
    return usable({**choices(), **spoken(), **beside().chosen, MODE: mode})


def beside() -> Beside:
    """The arms of the open chat's mode Side by side."""
    return st.session_state.get(ARMS) or Beside()


def choose_beside(chosen: Beside) -> None:
    """Let these arms answer side by side from now on."""
    st.session_state[ARMS] = chosen


def load_choices(chosen: Mapping[str, Any]) -> None:
    """Choose exactly this."""
    wanted = usable(chosen)
    choose_beside(read_beside(wanted))
    st.session_state[MODE] = wanted.pop(MODE, AUTO)
    spoken().clear()
    choices().clear()
    for name, value in wanted.items():
        if name in (ARMS, BLIND):
            continue
        place = spoken() if name in SPOKEN else choices()
        place[name] = value
    notices().clear()


def reset_spoken() -> None:
    """Take back how the model is to speak; what answers stays chosen."""
    spoken().clear()


def _stored(conversation: int, conversations: Conversations) -> Mapping[str, Any]:
    try:
        return conversations.conversation(conversation).settings
    except NotFound:  # an old link: the page says so by having no messages
        return {}


def _to_begin_with(first: bool, settings: Settings) -> Mapping[str, Any]:
    """The default preset; else the last choices, those of this session before another's."""
    try:
        shelf = read_shelf(settings)
    except WorkbenchError:  # said where the presets are shown
        return now_chosen()
    default = shelf.named(shelf.default)
    if default:
        return default.chosen
    return last_choices(settings) if first else now_chosen()


def _changed_since(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What the session chooses now and did not when its choices were kept."""
    chosen = now_chosen()
    if not kept and chosen[MODE] == AUTO:
        del chosen[MODE]  # nobody has chosen it yet
    return {name: value for name, value in chosen.items() if kept.get(name) != value}
