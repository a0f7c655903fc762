"""A made-up Chinese corpus: lines of a village chronicle, the same for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

PEOPLE = ["云汀姑娘", "石砚老先生", "渡口的船夫", "霜湖城的掌柜", "赤岩镇的铁匠", "夜阑将军"]
TIMES = ["清晨", "傍晚时分", "下雪的夜里", "第二年春天", "到了月底"]
DEEDS = ["在集市上买了", "从山里带回了", "悄悄地藏起了", "向邻居借来了", "终于找到了"]
THINGS = ["三坛桂花酒", "一匹青色的布", "半袋新米", "那封旧信", "两盏红灯笼", "一把铜钥匙"]
ENDS = ["，大家都很高兴。", "，谁也不知道为什么。", "，便匆匆回家去了。", "；后来再也没有人提起。"]


def chronicle(lines: int, seed: int = 7) -> list[str]:
    chance = random.Random(seed)
    found = []
    for _ in range(lines):
        parts = [chance.choice(words) for words in (TIMES, PEOPLE, DEEDS, THINGS, ENDS)]
        found.append("，".join(parts[:2]) + "".join(parts[2:]))
    return found


def write_chronicle(path: Path, lines: int = 300) -> Path:
    path.write_text("\n".join(chronicle(lines)) + "\n", "utf-8")
    return path
