"""A sentence that passages hold passes, however it is put; invented numbers and names do not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from agents.documents.support import Support
from agents.sentences import split_sentences
from workbench.scoring.amounts import amounts

HANDBOOK = Path(__file__).resolve().parents[1] / "examples" / "handbook"
LEAVE = ("How many days of leave do I get?", "leave-and-hours.md")
IT = ("How is a lost laptop reported?", "it-and-security.md")
TRAVEL = ("What does a hotel cost for 3 nights?", "expenses.md")
ZH_LEAVE = ("年假有多少天？", "员工手册-假期与考勤.md")
ZH_TRAVEL = ("住 3 晚的标准是多少？", "差旅与报销.md")
ZH_LAB = ("压力舱最高压力是多少？", "实验室安全.md")
CROSS = ("How many days of leave do employees in Suzhou have?", "员工手册-假期与考勤.md")
BACK = ("酒店能花多少钱？", "expenses.md")

HELD = {
    LEAVE: [
        "27 days.",
        "27",
        "You get 27 days of paid leave per year.",
        "Yes, you can carry over up to 8 unused days, but they expire on 30 June.",
        "During the first calendar year, you earn 2.25 days each month.",
        "Short requests (three days or fewer) get a reply within a single working day.",
        "Full pay lasts for 12 weeks; after that you receive 70%.",
        "You need a doctor's note from the fourth day.",
        "Parental leave is 20 weeks per child, split into at most three parts.",
        "- **Core hours**: 10:00 to 15:00",
        "The core hours end at 3 pm.",
        "Three days of home office are allowed each week.",
        "Adopting a child is treated the same as a birth.",
        "Yes [3].",
        "That gives 27 + 8 = 35 days in total [2].",
    ],
    IT: [
        "Report it to the service desk within one hour [1].",
        "The laptop will then be wiped remotely.",
        "Use Tidegate and choose the profile `suzhou-cn` while in China.",
        "You can reach the duty phone at +31 10 555 0199.",
        "A level 3 incident has to be answered in 15 minutes.",
    ],
    TRAVEL: [
        "A hotel in Europe may cost up to 160 euros per night, in China 700 yuan.",
        "For three nights that is 3 × €160 = €480 [2].",
        "Amounts over 1000 euros must be signed by Odile Brandsma, the finance lead.",
    ],
    ZH_LEAVE: [
        "苏州员工每年有 15 天带薪年假。",
        "十五天。",
        "司龄每满三年多 1 天，上限 20 天。",
        "超过三天的请假由部门负责人林晓岚审批。",
        "可以，每月有三次补卡机会。",
        "核心工作时间是上午 10 点到下午 4 点。",
    ],
    ZH_TRAVEL: [
        "北京、上海和深圳每晚最多 700 元。",
        "打车一次超过 150 元要写明原因。",
        "3 晚共 3 × 420 = 1260 元 [2]。",
    ],
    ZH_LAB: [
        "压力舱的最高工作压力是 65 兆帕。",
        "安全员是周启明。",
        "受伤时先按急停按钮，再打 8120。",
    ],
    CROSS: ["Employees in Suzhou have 15 days of paid leave."],
    BACK: ["欧洲的酒店每晚最多 160 欧元。"],
}
UNHELD = {
    LEAVE: [
        "You get 365 days of leave.",
        "The answer is 20.",
        "A full week has 10 hours.",
        "You get 27 weeks of leave.",
        "You can get 27 + 5 = 32 days.",
        "Contact Mary Jones in HR.",
        "The field team of Google may take two days.",
        "Employees enjoy unlimited vacation and a company car after their probation.",
        "How many days of leave do you get?",
    ],
    IT: [
        "Call +31 10 555 0147.",
        "Open the Okta dashboard and press reset.",
        "Laptops are insured by Allianz for five years.",
        "Ask your manager for a replacement; a police report is required.",
    ],
    TRAVEL: [
        "A hotel may cost 200 dollars.",
        "A hotel may cost 160 dollars.",
        "Hotels in Japan cost 160 euros.",
    ],
    ZH_LEAVE: [
        "员工每年有 30 天年假。",
        "员工每年有三十天年假。",
        "请联系人事经理王小明。",
        "由张伟国审批请假申请。",
        "年假可以折算成公司股票期权和健身房会员。",
    ],
    ZH_TRAVEL: ["广州每晚 900 元。", "请使用携程预订希尔顿酒店。"],
    ZH_LAB: ["安全员是李志强。", "请立即联系消防队并疏散附近居民。"],
    CROSS: ["Employees in Suzhou have 25 days.", "They can ask Mr Chang."],
    BACK: ["每晚最多 260 欧元。"],
}


@cache
def support(question: str, file: str) -> Support:
    text = (HANDBOOK / file).read_text("utf-8")
    return Support(question, text.split("\n## "))


def cases(sentences: dict[tuple[str, str], list[str]]) -> list[tuple[str, str, str]]:
    return [(*asked, sentence) for asked, said in sentences.items() for sentence in said]


@pytest.mark.parametrize(("question", "file", "sentence"), cases(HELD))
def test_what_a_passage_says_in_other_words_is_held(
    question: str, file: str, sentence: str
) -> None:
    assert support(question, file).judge(sentence) == "held"


@pytest.mark.parametrize(("question", "file", "sentence"), cases(UNHELD))
def test_what_no_passage_says_is_not_held(question: str, file: str, sentence: str) -> None:
    assert support(question, file).judge(sentence) == "unheld"


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("The passages do not mention sabbaticals.", "missing"),
        ("文档中没有提到病假的规定。", "missing"),
        ("The passages do not mention the 99 days.", "unheld"),
        ("The answer is as follows:", "open"),
        ("To answer your question:", "open"),
        ("Yes.", "open"),
        ("| Kind | Days |\n", "open"),
        ("|---|---|\n", "open"),
        ("```\n", "open"),
    ],
)
def test_what_claims_nothing_is_neither(sentence: str, verdict: str) -> None:
    assert support(*LEAVE).judge(sentence) == verdict


def test_numbers_have_units_in_both_languages() -> None:
    read = [
        (one.value, one.unit)
        for one in amounts("每年15天，二十八天，十分重要，€160, 4 pm, 16:00, May 5")
    ]
    assert read == [
        *[(15, "day"), (28, "day"), (160, "euro"), (240, "clock"), (240, "clock"), (5, "date")],
        (5, ""),
    ]
    assert [one.written for one in amounts("1. the LF-220, word3, +31 10 555 0199")] == [
        "220",
        "+31 10 555 0199",
    ]


def test_a_block_of_code_is_one_sentence_and_judged_by_what_is_in_it() -> None:
    known = "```py\nleave = 27\n\n# days. Paid.\n```\n"
    unknown = "~~~\nleave = 99\n~~~"
    assert split_sentences(f"As code:\n{known}\nSo.\n{unknown}") == [
        "As code:\n",
        f"{known}\n",
        "So.\n",
        unknown,
    ]
    assert support(*LEAVE).judge(known) == "held"
    assert support(*LEAVE).judge(unknown) == "unheld"
