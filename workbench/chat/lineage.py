"""A stored answer -> what it rests on, by the names that agents give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.chat.events import Done, Event, Failed, Query, Routed, Source
from workbench.chat.records import Message
from workbench.language import localized

NONE = "none"  # the name of no model

FACTS = {
    # what an answer rests on, as its agent names it -> what a person reads
    "agent": ("Answered by", "回答者"),
    "reason": ("Why it was asked", "选择原因"),
    "model": ("Model", "模型"),
    "digest": ("Fingerprint of the model", "模型指纹"),
    "run": ("Training run", "训练"),
    "published": ("Published version", "发布版本"),
    "base": ("Base model", "基础模型"),
    "data_sha256": ("Fingerprint of the training data", "训练数据指纹"),
    "created": ("Training began", "训练开始时间"),
    "finished": ("Training ended", "训练结束时间"),
    "collection": ("Collection", "知识库"),
    "revision": ("Its revision", "知识库版本"),
    "embedder": ("Embedder", "向量模型"),
    "files": ("Attached files", "附件"),
    "passages": ("Passages that were read", "读取的段落"),
    "source": ("Database", "数据库"),
    "dialect": ("SQL dialect", "SQL 方言"),
    "schema": ("Fingerprint of the schema", "表结构指纹"),
    "writer": ("The query is written by", "查询由谁编写"),
    "tables": ("Tables that were looked at", "查看过的表"),
    "whole_schema": ("The whole schema was given", "是否给出全部表结构"),
    "queries": ("Queries that were written", "编写的查询数"),
    "forecast": ("Forecast by", "预测模型"),
    "verified_question": ("Verified question", "已验证的问题"),
    "tools": ("Tools that were called", "调用过的工具"),
    "query": ("Query", "查询"),
    "rows": ("Fingerprint of the result", "查询结果指纹"),
    "turns": ("Messages before it", "之前的消息数"),
    "history": ("Fingerprint of the messages before", "之前消息的指纹"),
    "prompt": ("Version of the prompt", "提示词版本"),
    "settings": ("Settings", "设置"),
}


def lineage_of(message: Message) -> dict[str, Any]:
    """What the answer rests on, in the order of FACTS; what is empty is left out.

    An answer without an end, such as one that was stopped, has what its events show.
    """
    facts: dict[str, Any] = {"agent": message.agent, **_shown_by(message.events)}
    last = message.events[-1] if message.events else None
    if isinstance(last, Done):
        facts |= {"model": last.model, **last.lineage}
    elif isinstance(last, Failed):
        facts |= last.lineage
    known = [key for key in FACTS if key in facts]
    others = [key for key in facts if key not in FACTS]
    found = {key: facts[key] for key in [*known, *others]}
    return {key: value for key, value in found.items() if value not in ("", None, [], {}, NONE)}


def _shown_by(events: Sequence[Event]) -> dict[str, Any]:
    """What the events themselves say of an answer."""
    facts: dict[str, Any] = {}
    passages = [passage_of(event) for event in events if isinstance(event, Source)]
    if passages:
        facts["passages"] = passages
    for event in events:
        if isinstance(event, Routed):
            facts["reason"] = event.reason
        elif isinstance(event, Query):
            facts |= {"source": event.source, "dialect": event.dialect, "query": event.sql}
    return facts


def passage_of(source: Source) -> dict[str, Any]:
    """What is kept of a passage that an answer read."""
    return {
        "id": source.passage_id,
        "score": source.score,
        "source": source.source,
        "place": source.locator,
        "collection": source.collection,
    }


def fact_name(key: str, language: str) -> str:
    """What a person reads for that key."""
    return localized(language, *FACTS[key]) if key in FACTS else key


def in_words(key: str, value: Any, language: str) -> str:
    """The value of a fact in one line."""
    if key == "passages":
        return "; ".join(passage_words(passage) for passage in value)
    if isinstance(value, bool):
        return localized(language, "yes", "是") if value else localized(language, "no", "否")
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {item}" for name, item in value.items() if item != "")
    return str(value)


def passage_words(passage: Mapping[str, Any]) -> str:
    """File, place, id and score of a passage."""
    score = passage.get("score")
    figure = f" ({score:.2f})" if isinstance(score, int | float) else ""
    return f"{where(passage)} {passage.get('id', '')}{figure}"


def where(passage: Mapping[str, Any]) -> str:
    """File and place of a passage."""
    name = str(passage.get("source", "")).replace("\\", "/").rpartition("/")[2]
    place = passage.get("place")
    return f"{name}, {place}" if place else name
