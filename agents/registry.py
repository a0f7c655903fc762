"""The agents by mode: to add one, write its file and add its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from workbench.conversations import Turn
from workbench.events import Event
from workbench.settings import Settings

Run = Callable[[str, Sequence[Turn], Settings], Iterator[Event]]


@dataclass(frozen=True)
class Agent:
    """`run` names `module:function(question, history, settings) -> Iterator[Event]`, imported when it is asked."""

    run: str
    english: str
    chinese: str

    def load(self) -> Run:
        module, function = self.run.split(":")
        return getattr(import_module(module), function)


AGENTS = {
    "documents": Agent("agents.documents_agent:answer_from_documents", "Documents", "文档"),
    "data": Agent("agents.data.expert:answer_from_data", "Data", "数据"),
    "tuned": Agent("agents.tuned_agent:answer_from_tuned", "Tuned", "微调模型"),
}
