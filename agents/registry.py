"""The agents by mode: to add one, write its file and add its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from workbench.chat.conversations import Turn
from workbench.chat.events import Event
from workbench.settings import Settings

Run = Callable[[str, Sequence[Turn], Settings], Iterator[Event]]


@dataclass(frozen=True)
class Agent:
    """`run` names `module:function(question, history, settings) -> Iterator[Event]`, imported when it is asked."""

    run: str
    english: str
    chinese: str
    icon: str
    busy: tuple[str, str]  # what it is at before its first word

    def load(self) -> Run:
        module, function = self.run.split(":")
        return getattr(import_module(module), function)


AGENTS = {
    "documents": Agent(
        "agents.documents.agent:answer_from_documents",
        "Documents",
        "文档",
        ":material/description:",
        ("Searching…", "正在检索…"),
    ),
    "data": Agent(
        "agents.data.expert:answer_from_data",
        "Data",
        "数据",
        ":material/database:",
        ("Asking the database…", "正在查询数据库…"),
    ),
    "tuned": Agent(
        "agents.tuned.agent:answer_from_tuned",
        "Tuned",
        "微调模型",
        ":material/model_training:",
        ("The model is at work…", "模型正在思考…"),
    ),
}
