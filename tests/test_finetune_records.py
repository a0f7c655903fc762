"""Records become facts, facts become questions, and a model's wordings are checked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from model_servers import Script, openai_server

from finetune.commands.augment import augment as augment_command
from finetune.data.augment import LANGUAGES, augment, language_of, load_patterns
from finetune.data.dataset import load_examples, split
from finetune.data.facts import normalise
from finetune.data.paraphrase import paraphrase
from finetune.data.records import Fact, load_records
from workbench.errors import InvalidInput

TABLE = [
    ["角色", "性别", "国家", "身份", "性格"],
    ["林岚", "女", "云州", "信使", "开朗、守信"],
    ["石砚", "男", "青川", "匠人", "未知"],
    ["阿苇", "女", "云州", "", "安静。"],
]
FACTS = [
    ("林岚/性别", "女"),
    ("林岚/国家", "云州"),
    ("林岚/身份", "信使"),
    ("林岚/性格", "开朗、守信"),
    ("石砚/性别", "男"),
    ("石砚/国家", "青川"),
    ("石砚/身份", "匠人"),
    ("阿苇/性别", "女"),
    ("阿苇/国家", "云州"),
    ("阿苇/性格", "安静。"),
]


def write_csv(path: Path, rows: list[list[str]] = TABLE) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_xlsx(path: Path) -> Path:
    import openpyxl

    workbook = openpyxl.Workbook()
    for row in TABLE:
        workbook.active.append(row)  # type: ignore[union-attr]
    workbook.save(path)
    return path


def write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def test_records_are_the_same_from_every_file_and_shape(tmp_path: Path) -> None:
    header, *rows = TABLE
    objects = [dict(zip(header, row, strict=True)) for row in rows]
    by_entity = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    triples = [
        ["实体", "属性", "值"],
        *(
            [row[0], name, cell]
            for row in rows
            for name, cell in zip(header[1:], row[1:], strict=True)
        ),
    ]
    files = [
        write_csv(tmp_path / "a.csv"),
        write_xlsx(tmp_path / "b.xlsx"),
        write_json(tmp_path / "c.json", objects),
        write_json(tmp_path / "d.json", by_entity),
        write_csv(tmp_path / "e.csv", triples),
    ]
    for path in files:
        records = load_records(path)
        assert [(fact.name, fact.value) for fact in records.facts] == FACTS, path.name
        assert records.empty == 2 and not records.problems
        assert records.entities == ["林岚", "石砚", "阿苇"]


def test_contradictions_and_nameless_entities_are_reported_with_their_line(tmp_path: Path) -> None:
    rows = [["name", "sex"], ["Lan", "female"], ["Lan", "male"], ["", "male"], ["Lan", "female"]]
    records = load_records(write_csv(tmp_path / "a.csv", rows))
    assert [(problem.line, problem.problem) for problem in records.problems] == [
        (3, "Lan has two values for sex: 'female' and 'male'"),
        (4, "an entity without a name, for 'male'"),
    ]
    assert len(records.facts) == 1


def test_a_table_without_facts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no facts"):
        load_records(write_csv(tmp_path / "a.csv", [["name"], ["Lan"]]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_attribute_has_ten_to_twenty_wordings_of_its_own(language: str) -> None:
    patterns = load_patterns()[language]
    assert len(patterns.kinds) == 7 and 10 <= len(patterns.questions) <= 20
    for kind in patterns.kinds.values():
        assert 10 <= len(kind.questions) <= 20
        assert len({normalise(question) for question in kind.questions}) == len(kind.questions)
    names = [name for kind in patterns.kinds.values() for name in kind.attributes]
    assert len(names) == len(set(names)), "an attribute belongs to one kind"


@pytest.mark.parametrize(("language", "entity"), [("zh", "林岚"), ("en", "Lan")])
def test_no_two_wordings_of_a_fact_are_the_same_but_for_punctuation(
    language: str, entity: str
) -> None:
    checked = 0
    for kind in load_patterns()[language].kinds.values():
        for attribute in kind.attributes:
            questions = [
                normalise(example.questions[0])
                for example in augment([Fact(entity, attribute, "x")])
            ]
            assert len(set(questions)) == len(questions), attribute
            checked += 1
    assert checked > 60


def test_each_fact_is_asked_in_many_wordings_and_answered_in_one(tmp_path: Path) -> None:
    records = load_records(write_csv(tmp_path / "a.csv"))
    examples = augment(records.facts)
    by_fact: dict[str, list] = {}
    for example in examples:
        by_fact.setdefault(example.group, []).append(example)
    assert list(by_fact) == [name for name, _ in FACTS]
    for name, value in FACTS:
        found = by_fact[name]
        assert len(found) >= 16 and len({example.questions for example in found}) == len(found)
        assert len({example.answer for example in found}) == 1
        entity, attribute = name.split("/")
        assert found[0].answer == f"{entity}的{attribute}是{value.rstrip('。')}。"
        assert all(entity in example.questions[0] for example in found)
    assert "林岚是男是女？" in {example.questions[0] for example in by_fact["林岚/性别"]}
    train, held_out = split(examples, 0.2, 1, "paraphrases")
    assert {example.group for example in train} == set(by_fact)
    assert 0.15 < len(held_out) / len(examples) < 0.25


def test_the_language_is_that_of_the_fact() -> None:
    assert language_of(Fact("Lan", "country", "云州")) == "en"
    assert language_of(Fact("Lan", "国家", "Yunzhou")) == "zh"
    example = augment([Fact("Wei", "Warranty_Period", "2 years.")])[0]
    assert example.questions[0] == "What is Wei's warranty period?"
    assert example.answer == "Wei's warranty period is 2 years."


def test_a_number_of_wordings_is_chosen_by_the_seed() -> None:
    facts = [Fact("Lan", "country", "Yunzhou"), Fact("Lan", "sex", "female")]
    examples = augment(facts, per_fact=5, answer="{value}", system="Be brief.", seed=3)
    assert [example.group for example in examples] == ["Lan/country"] * 5 + ["Lan/sex"] * 5
    assert examples[0].answer == "Yunzhou" and examples[0].messages[0].content == "Be brief."
    assert examples == augment(facts, per_fact=5, answer="{value}", system="Be brief.", seed=3)
    assert examples != augment(facts, per_fact=5, answer="{value}", system="Be brief.", seed=4)


def test_a_question_that_two_facts_share_is_asked_for_neither() -> None:
    examples = augment([Fact("Lan", "sex", "female"), Fact("Lan", "gender", "woman")])
    assert not [example for example in examples if "male or female" in example.questions[0]]
    assert {example.group for example in examples} == {"Lan/sex", "Lan/gender"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("questions = [", "cannot be read"),
        ('answer = "{value}"', "cannot be read"),
        ('answer = "{value}"\nquestions = ["{name}?"]', "has {name}"),
        ('answer = "{value}"\nquestions = ["What is the {attribute}?"]', "What is"),
        ('answer = "{value"\nquestions = ["{entity}?"]', "value"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=problem):
        load_patterns(tmp_path / "mine.toml")


def test_own_patterns_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'answer = "{value}!"\nquestions = ["{entity}: {attribute}?"]', "utf-8"
    )
    examples = augment([Fact("Lan", "sex", "female")], load_patterns(tmp_path / "mine.toml"))
    assert [(example.questions[0], example.answer) for example in examples] == [
        ("Lan: sex?", "female!")
    ]


KNOWN = [Fact("林岚", "国家", "云州"), Fact("林岚", "身份", "信使"), Fact("石砚", "国家", "青川")]


class Chat:
    """A chat model that rewords one fact, and judges as it is told."""

    def __init__(self, wordings: str, verdicts: dict[str, str]) -> None:
        self.wordings = wordings
        self.verdicts = verdicts
        self.judged: list[str] = []

    def __call__(self, prompt: str) -> str:
        judged = next((question for question in self.verdicts if f"“{question}”" in prompt), "")
        if judged:
            self.judged.append(judged)
            return self.verdicts[judged]
        return self.wordings if "问林岚的国家" in prompt else ""


def test_a_wording_is_kept_only_if_it_still_asks_for_the_same_fact() -> None:
    chat = Chat(
        "<think>\n林岚是谁？\n</think>\n好的，以下是问题：\n1. 林岚来自哪个国家？\n"
        "2、“林岚是哪里人？”\n- 林岚做什么工作？\n"
        "* 她来自哪里？\n5. 林岚是云州人吗？\n林岚和石砚是同乡吗？\n林岚的国家是什么呢？\n"
        "林岚的国家和身份是什么？\n林岚今年多大？",
        {
            "林岚是哪里人？": "1",
            "林岚做什么工作？": "答案是2。",
            "林岚的国家和身份是什么？": "3",
            "林岚今年多大？": "不知道",
        },
    )
    examples = augment(KNOWN, per_fact=16)
    found = paraphrase(examples, KNOWN, chat, 5)
    assert [example.questions[0] for example in found.examples] == [
        "林岚来自哪个国家？",
        "林岚是哪里人？",
    ]
    assert {(example.group, example.answer) for example in found.examples} == {
        ("林岚/国家", "林岚的国家是云州。")
    }
    assert dict(found.refused) == {
        "林岚做什么工作？": "asks for 身份, not for 国家",
        "她来自哪里？": "does not name 林岚",
        "林岚是云州人吗？": "tells the answer",
        "林岚和石砚是同乡吗？": "names 石砚 too",
        "林岚的国家是什么呢？": "is no new wording",
        "林岚的国家和身份是什么？": "asks for 别的内容, not for 国家",
        "林岚今年多大？": "asks for 别的内容, not for 国家",
    }
    assert "林岚来自哪个国家？" not in chat.judged, "the attribute's name tells without a model"


def test_no_more_wordings_are_kept_than_asked_for() -> None:
    chat = Chat(
        "\n".join(
            f"{start}林岚来自哪个国家？" for start in ("", "请问一下，", "各位朋友，我很好奇，")
        ),
        {},
    )
    assert len(paraphrase(augment(KNOWN), KNOWN, chat, 2).examples) == 2


def test_the_command_writes_a_data_set_that_loads(tmp_path: Path) -> None:
    records, out = write_csv(tmp_path / "a.csv"), tmp_path / "a.jsonl"
    done = CliRunner().invoke(
        augment_command, [str(records), "--out", str(out), "--per-fact", "15", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert (found["entities"], found["facts"], found["empty"], found["examples"]) == (3, 10, 2, 150)
    loaded = load_examples([out])
    assert loaded.sha256 == found["sha256"] and not loaded.dropped and not loaded.problems
    assert {example.group for example in loaded.examples} == {name for name, _ in FACTS}
    again = CliRunner().invoke(augment_command, [str(records), "--out", str(out)])
    assert again.exit_code == 1 and "already" in again.output


def test_the_command_previews_without_writing(tmp_path: Path) -> None:
    done = CliRunner().invoke(augment_command, [str(write_csv(tmp_path / "a.csv"))])
    assert done.exit_code == 0
    assert (
        "林岚是男是女？  →  林岚的性别是女。" in done.output
        and "--out FILE writes them" in done.output
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_the_command_asks_a_chat_model_for_more_wordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(("1. From which country does Lan come?\n2. Is she ", "from Yunzhou?"))
    records = write_csv(tmp_path / "a.csv", [["name", "country"], ["Lan", "Yunzhou"]])
    with openai_server(script) as url:
        monkeypatch.setenv("WORKBENCH_OPENAI_BASE_URL", url)
        arguments = [str(records), "--paraphrase", "3", "--model", "openai:scripted", "--json"]
        done = CliRunner().invoke(
            augment_command, [*arguments, "--out", str(tmp_path / "out.jsonl")]
        )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["refused"] == [{"question": "Is she from Yunzhou?", "reason": "does not name Lan"}]
    assert "the country of Lan" in script.requests[0]["messages"][0]["content"]
    last = load_examples([tmp_path / "out.jsonl"]).examples[-1]
    assert (last.questions[0], last.answer, last.group) == (
        "From which country does Lan come?",
        "Lan's country is Yunzhou.",
        "Lan/country",
    )


def test_a_chat_model_that_cannot_be_reached_leaves_nothing_behind(tmp_path: Path) -> None:
    records, out = write_csv(tmp_path / "a.csv"), tmp_path / "out.jsonl"
    arguments = ["--paraphrase", "3", "--model", "openai:none", "--out", str(out), "--json"]
    done = CliRunner().invoke(augment_command, [str(records), *arguments])
    assert done.exit_code == 1 and json.loads(done.output)["event"] == "failed"
    assert not out.exists()
