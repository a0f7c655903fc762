"""Text -> the names in it, as far as writing shows them: capitals, and a person behind a title."""

from __future__ import annotations

import re

from workbench.language import CJK, language_of, words
from workbench.ordinary import joins_by_accident, rarity

CAPITAL = re.compile(r"(?<![\w'’-])[A-Z][\w'’]*(?:[-.][\w]+)*")
BEGINS = re.compile(r"(?:^|[.!?:;\n(\[\"'“‘]|(?:^|\n)\s*(?:[-*]|\d+[.)]))\s*$")
# by how a Chinese person is named behind a title or a word such as "by"; `joins_by_accident`
# tells a name from a word
CHINESE_NAME = re.compile(
    "(?:由|是|为|找|叫|给|向|和|与|系|人|长|理|监|员|任|师|、)"
    "([王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢"
    f"傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史陶贺毛郝顾龚邵万钱严][{CJK}])"
)


def names(text: str, *, doubtful: bool = True) -> list[str]:
    """Chinese ones first. An English word that begins a sentence counts if it looks like a name.

    Before another capital it may be one ("Anna Meyer") or none ("Ask Anna"): that is doubtful.
    """
    found = [name for name in CHINESE_NAME.findall(text) if joins_by_accident(name)]
    chinese = language_of(text) == "zh"
    for match in CAPITAL.finditer(text):
        begins = bool(BEGINS.search(text[: match.start()]))
        if chinese or not begins or _is_written_as_a_name(text, match, doubtful):
            found.append(match[0])
    return [name for name in found if _names_something(name)]


def _names_something(name: str) -> bool:
    return any(rarity(word) for word in words(name))


def _is_written_as_a_name(text: str, match: re.Match[str], doubtful: bool) -> bool:
    """Whether a capital at the beginning is one anyway: inside a word, or before another one."""
    word = match[0]
    if any(character.isupper() or character.isdigit() for character in word[1:]):
        return True
    follows = text[match.end() :]
    return doubtful and bool(re.match(r"\s[A-Z]\w", follows)) and rarity(word.lower()) > 0
