"""The splitter loses nothing, doubles nothing, and cuts where the text pauses."""

from __future__ import annotations

import random

import pytest

from rag.passages import Block, Locator
from rag.splitter import LONGEST, split
from workbench.language import language_of

ENGLISH = "The lamp burns. Its keeper sleeps at noon, and the gulls are loud! Who hears them? "
CHINESE = "灯塔亮着。守塔人中午睡觉，海鸥很吵！谁听得见？"


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("seed", range(8))
def test_all_text_is_in_the_passages_once(seed: int) -> None:
    chance = random.Random(seed)
    blocks = []
    for number in range(60):
        text = chance.choice([ENGLISH, CHINESE, "word" * 400, "字" * 900]) * chance.randint(1, 9)
        place = Locator(
            page=number // 20 + 1, heading=(f"H{number // 7}",) if chance.random() < 0.7 else ()
        )
        blocks.append(Block(text, place))
    passages = split(blocks, "a.md")
    assert squeezed("".join(p.text for p in passages)) == squeezed(
        "".join(block.text for block in blocks)
    )
    assert all(len(p.text) <= LONGEST[language_of(p.text)] * 1.05 for p in passages)
    assert [p.position for p in passages] == list(range(len(passages)))
    assert split(blocks, "a.md") == passages and len({p.id for p in passages}) == len(passages)


def test_a_long_text_is_cut_after_sentences() -> None:
    for text in (ENGLISH * 40, CHINESE * 60):
        passages = split([Block(text)], "a.txt")
        assert len(passages) > 2 and all(
            p.text.rstrip().endswith(tuple(".!?。！？")) for p in passages
        )


def test_headings_and_pages_begin_new_passages() -> None:
    long = ENGLISH * 2
    blocks = [
        Block(long, Locator(page=1, heading=("A",))),
        Block(long, Locator(page=1, heading=("B",))),
        Block(long, Locator(page=2, heading=("B",))),
    ]
    assert [(p.locator.page, p.locator.heading) for p in split(blocks, "a.pdf")] == [
        (1, ("A",)),
        (1, ("B",)),
        (2, ("B",)),
    ]


def test_a_bare_title_joins_what_it_heads() -> None:
    blocks = [
        Block("Coast", Locator(heading=("Coast",), line=1)),
        Block("Lamps", Locator(heading=("Coast", "Lamps"), line=3)),
        Block(ENGLISH, Locator(heading=("Coast", "Lamps"), line=5)),
    ]
    [passage] = split(blocks, "a.md")
    assert passage.text.startswith("Coast\nLamps\nThe lamp") and passage.locator == Locator(
        heading=("Coast", "Lamps"), line=1
    )
