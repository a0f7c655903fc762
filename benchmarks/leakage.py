"""Planted leaks that are found, and false alarms: questions of real sets, and rewordings of them.

    python benchmarks/leakage.py [--tune]

A hundred questions measure. Planted among the training rows: 20 of them in other case, width and
punctuation, and 20 in other words (written by hand, ten in each language). Harmless are 500 other
questions of the same sets, most of them about the same articles. The threshold was chosen on the
rewordings that --tune uses; the others were not looked at before.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from agents.loop.leakage import find_leaks
from workbench.settings import Settings, load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("retrieval_xquad_en", "retrieval_cmrc2018")
TUNED_ON = {
    "xq-en-q-57263ea0271a42140099d7c6": "DECnet phase 2 turned into what?",
    "xq-en-q-56beca913aeaaa14008c946e": "On 3rd-and-9, which player lost the ball?",
    "xq-en-q-572914f46aef051400154a46": "How did the election of 2007 turn out?",
    "xq-en-q-56dfa0d84a1a83140091ebb9": "For a long time of his life, what was Tesla's home?",
    "xq-en-q-57273a465951b619008f8701": "What share of the GDP does construction make up?",
    "xq-en-q-572920d73f37b31900478058": "Name reasons why children have to work.",
    "xq-en-q-570610b275f01819005e792b": "By which measure are airports ranked by how busy they are?",
    "xq-en-q-57280fd3ff5b5019007d9c2a": "What fort did they build again in 1964?",
    "xq-en-q-57286951ff5b5019007da20e": "Which head of Microsoft studied at the University of Chicago?",
    "xq-en-q-571c9348dd7acb1400e4c116": "In what year did liquid oxygen become a commercial product?",
    "cmrc-q-TRIAL_345_QUERY_2": "西贡商信银行总部设在哪个城市？",
    "cmrc-q-TRIAL_549_QUERY_4": "到2015年为止，这所学院拥有多少名高级职称教师？",
    "cmrc-q-DEV_631_QUERY_4": "道同去世以后，老百姓做了什么？",
    "cmrc-q-DEV_1095_QUERY_1": "编写《内蒙古植物志》的小组成立于何年？",
    "cmrc-q-DEV_1595_QUERY_0": "人们通常把棱须蓑鲉叫做什么？",
    "cmrc-q-DEV_132_QUERY_2": "姆拉登·佩特里奇在场上踢什么位置？",
    "cmrc-q-DEV_41_QUERY_1": "武穴酥糖产业为什么发展不起来？",
    "cmrc-q-DEV_73_QUERY_1": "白鸟百合子平时喜欢什么、擅长什么？",
    "cmrc-q-DEV_1020_QUERY_2": "姓丘的人大概有多少？",
    "cmrc-q-DEV_468_QUERY_0": "哪家公司制作了《掌故王》？",
}
REPORTED_ON = {
    "xq-en-q-572ff932a23a5019007fcbd9": "Moderate progressive Muslims want to keep which two things apart?",
    "xq-en-q-571c8539dd7acb1400e4c0e4": "Why can Priestley claim that he discovered oxygen first?",
    "xq-en-q-5725fcbe271a42140099d3ad": "Fresno is linked with the Central Valley of California by which road?",
    "xq-en-q-56d99f99dc89441400fdb628": "Against whom did the Broncos win to take their division in 2015?",
    "xq-en-q-572a005f1d046914007796b8": "What followed from the highways built through the Amazon forest?",
    "xq-en-q-572757bef1498d1400e8f690": "Which lawsuit ended segregation in American schools?",
    "xq-en-q-570d3468b3d812140066d545": "At what time did Holden say that its plant in Victoria would be shut?",
    "xq-en-q-56beb4343aeaaa14008c925e": "Josh Norman made how many interceptions?",
    "xq-en-q-5729feaf6aef05140015518c": "How much of the cleared Amazon land serves to raise cattle?",
    "xq-en-q-57378b141c456719005744a1": "What do you call the derivative of the changing momentum of a body?",
    "cmrc-q-DEV_227_QUERY_1": "成纪县在南北朝和隋唐时期靠什么闻名？",
    "cmrc-q-DEV_1049_QUERY_2": "1974年新加坡发布的是哪份文件？",
    "cmrc-q-DEV_545_QUERY_2": "有几支乐队打进了山叶结他比赛的决赛？",
    "cmrc-q-DEV_405_QUERY_0": "鬣齿兽属还有什么别的名字？",
    "cmrc-q-DEV_54_QUERY_1": "余杭站在建筑设计上有哪些特色？",
    "cmrc-q-DEV_210_QUERY_0": "漫画《最游记外传》的作者是日本哪位漫画家？",
    "cmrc-q-TRIAL_991_QUERY_1": "谁是佛教僧团里最早的阿罗汉？",
    "cmrc-q-DEV_187_QUERY_3": "2003年银河的水质怎么样？",
    "cmrc-q-DEV_1601_QUERY_1": "《芝加哥》这部影片的主演有谁？",
    "cmrc-q-DEV_268_QUERY_3": "哪场战役打破了法军在西欧不可战胜的神话？",
}
EXACT = 20
MEASURED = 100
HARMLESS = 500


def read_questions() -> dict[str, str]:
    """Id -> question, of both sets."""
    found: dict[str, str] = {}
    for name in SETS:
        lines = (DATA / name / "queries.jsonl").read_text("utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        found |= {row["id"]: row["question"] for row in rows}
    return found


def in_other_signs(question: str) -> str:
    """The same words, as another keyboard writes them."""
    wide = question.rstrip("?？ ").upper().replace(",", "，")
    return f"  {wide} ？"


def measure(rewordings: dict[str, str], settings: Settings) -> dict[str, float]:
    """How many planted leaks are found, and the share of harmless questions that are refused."""
    questions = read_questions()
    written = {*TUNED_ON, *REPORTED_ON}
    others = [number for number in questions if number not in written]
    random.Random(7).shuffle(others)
    exact = others[:EXACT]
    fillers = others[EXACT : MEASURED - len(rewordings)]
    harmless = others[MEASURED : MEASURED + HARMLESS]
    measured = {questions[number]: number for number in (*rewordings, *exact, *fillers)}
    found = find_leaks([in_other_signs(questions[one]) for one in exact], measured, settings)
    same = sum(leak is not None and leak.where == one for one, leak in zip(exact, found, strict=True))
    found = find_leaks(list(rewordings.values()), measured, settings)
    pairs = zip(rewordings, found, strict=True)
    reworded = sum(leak is not None and leak.where == one for one, leak in pairs)
    alarms = find_leaks([questions[one] for one in harmless], measured, settings)
    false_alarms = [leak for leak in alarms if leak is not None]
    for one, leak in zip(rewordings, found, strict=True):
        if leak is None:
            print("missed:", questions[one], "|", rewordings[one])
    for one, leak in zip(harmless, alarms, strict=True):
        if leak is not None:
            print("false alarm:", questions[one], "|", leak.question)
    return {
        "measured": len(measured),
        "exact": same,
        "reworded": reworded,
        "planted": len(rewordings),
        "harmless": len(harmless),
        "false_alarms": len(false_alarms) / len(harmless),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="on the rewordings for the threshold")
    chosen = parser.parse_args()
    rewordings = TUNED_ON if chosen.tune else REPORTED_ON
    print(json.dumps(measure(rewordings, load_settings())))


if __name__ == "__main__":
    main()
