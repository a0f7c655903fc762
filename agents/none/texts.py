"""What is said where nothing here is about a question and no chat model is connected."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.language import localized


def ask_about(language: str, named: Sequence[str]) -> str:
    """For a question. `named` are the agents' holdings, each in words of that language."""
    return localized(
        language,
        f"No chat model is connected for questions like this one; you can ask about "
        f"{_joined(named, ', ', ' and ')}.",
        f"尚未连接聊天模型，无法回答这类问题；你可以询问{_joined(named, '、', '以及')}。",
    )


def here_is(language: str, named: Sequence[str]) -> str:
    """For a greeting or thanks, which want no excuse."""
    return localized(
        language,
        f"You can ask about {_joined(named, ', ', ' and ')}.",
        f"你可以询问{_joined(named, '、', '以及')}。",
    )


def nothing_here(language: str) -> str:
    return localized(
        language,
        "Nothing can be asked yet: add files on the Knowledge page, a database on the Data page, "
        "or connect a chat model.",
        "现在还没有可以提问的内容：请在“知识库”页面添加文件，在“数据”页面添加数据库，"
        "或连接聊天模型。",
    )


def _joined(parts: Sequence[str], between: str, last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return between.join(parts[:-1]) + last + parts[-1]
