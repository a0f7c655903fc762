"""The Training page: the example, a check, a real training by clicks, its run in every state."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from fake_jobs import running_job
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest
from training_fixtures import add_run, write_project

from finetune.commands.compare import compare
from finetune.methods import METHODS
from finetune.run.metrics import append_metrics
from finetune.ui.curve import loss_chart
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings
from workbench.spreadsheet import as_csv

__all__ = ["page"]

PAGE = "finetune/ui/training.py"


@pytest.fixture
def project(settings: Settings) -> Settings:
    """A base in the workspace and an uploaded data file."""
    write_project(settings.folder("made"))
    settings.folder("models")
    (settings.home / "made" / "base").rename(settings.home / "models" / "small")
    (settings.home / "made" / "train.jsonl").rename(
        settings.folder("uploads", "training") / "people.jsonl"
    )
    return settings


def ended(job: Job, seconds: float = 180) -> Job:
    until = time.monotonic() + seconds
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.3)
    return job


def buttons(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def test_an_empty_workspace_offers_the_example(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE)
    assert app.button(key="check_run").disabled and app.button(key="start_run").disabled
    drawn(app.button(key="demo").click().run())
    job = list_jobs(settings)[0]
    job.cancel(grace=0)
    assert job.command == ["demo", "--json"]


def test_a_check_shows_all_problems_and_starts_nothing(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    data = project.home / "uploads" / "training" / "people.jsonl"
    data.write_text(data.read_text("utf-8") + '{"strange": 1}\nnot json\n', "utf-8")
    app = page(PAGE)
    app.toggle(key="edit_run_file").set_value(True).run()
    app.text_area(key="run_text").set_value(
        app.text_area(key="run_text").value.replace("rank = 32", "rank = 0")
    )
    drawn(app.button(key="start_run").click().run())
    problems = app.dataframe[0].value
    assert len(problems) >= 3 and "lora.rank" in list(problems["Where"])
    assert any("people.jsonl" in place for place in problems["Where"]) and all(
        problems["What to do"]
    )
    assert list_jobs(project) == []


def test_a_sound_check_shows_cost_and_what_is_learned(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE, "zh")
    drawn(app.button(key="check_run").click().run())
    text = texts(app)
    assert "没有发现问题" in text and "参数" in text
    tokens = "".join(item.proto.body for item in app.get("html"))
    assert 'title="-100"' in tokens and "rgba(46,160,67" in tokens
    assert list_jobs(project) == []


def test_a_methods_own_settings_are_chosen_and_the_costs_of_all_shown(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE)
    written = {
        "full": '[full]\nmethod = "full"',
        "prompt": "tokens = 20",
        "ptuning": "tokens = 128\nprojection = false",
    }
    rates = {"full": "learning_rate = 0.0003", "prompt": "learning_rate = 0.1", "ptuning": "0.02"}
    for method, lines in written.items():
        app.selectbox(key="method").set_value(method).run()
        text = "".join(block.value for block in app.code)
        assert lines in text and rates[method] in text
    app.number_input(key="tokens_ptuning_1e+08").set_value(16)
    app.selectbox(key="projection_ptuning").set_value(True).run()
    assert "tokens = 16\nprojection = true" in "".join(block.value for block in app.code)
    drawn(app.button(key="check_run").click().run())
    costs = app.dataframe[0].value
    assert len(costs) == len(METHODS) and "Obstacle" not in costs
    assert "No problems" not in texts(app) and "no GGUF file" in texts(app)


def test_clicks_train_a_run_and_show_its_curve(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE)
    app.toggle(key="edit_run_file").set_value(True).run()
    text = app.text_area(key="run_text").value
    text = text.replace("epochs = 6.0", "steps = 4").replace("max_length = 1024", "max_length = 64")
    app.text_area(key="run_text").set_value(text)
    drawn(app.button(key="start_run").click().run())
    job = ended(list_jobs(project)[0])
    assert job.state == "done", job.log()
    drawn(app.run())
    assert app.selectbox(key="shown_run").value == "people"
    assert "finished" in texts(app) and "step 4 of 4" in texts(app)
    assert "GB of memory" in texts(app)
    assert "chat_run" in buttons(app) and "resume_run" not in buttons(app)
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert spec["encoding"]["y"]["title"] == "loss"


def test_a_broken_off_run_is_resumed_and_deleted_only_when_asked(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    run = add_run(settings.home, "half", finished=False, steps=9)
    os.utime(run / "metrics.jsonl", (0, 0))
    app = page(PAGE)
    assert "interrupted" in texts(app) and "step 9 of 20" in texts(app)
    drawn(app.button(key="resume_run").click().run())
    job = ended(list_jobs(settings)[0])
    assert job.command == ["finetune", "train", "half", "--resume", "--json"]
    drawn(app.run())
    assert app.error and run.exists()  # its data file is not there: the page says so
    drawn(app.button(key="delete_run").click().run())
    assert not run.exists()


def test_only_a_sound_run_is_shown_by_itself_and_can_be_chatted_with_and_published(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    add_run(settings.home, "whole", finished=True)
    half = add_run(settings.home, "half", finished=False, steps=9)
    os.utime(half / "metrics.jsonl", (0, 0))
    folder = settings.folder("demo") / "base"
    card = json.loads((half / "card.json").read_text("utf-8"))
    card |= {"base": "base", "base_folder": str(folder)}
    (half / "card.json").write_text(json.dumps(card), "utf-8")
    app = page(PAGE)
    assert app.selectbox(key="shown_run").value == "whole"  # not the newest, which broke off
    assert {"chat_run", "publish_this_run"} <= buttons(app) and "resume_run" not in buttons(app)
    drawn(app.selectbox(key="shown_run").select("half").run())
    assert "resume_run" in buttons(app) and "publish_this_run" not in buttons(app)
    assert "base model: demo/base" in texts(app) and "base base" not in texts(app)


def test_warnings_are_not_called_no_problems_and_lengths_are_told(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE)
    app.number_input(key="max_length").set_value(18)
    drawn(app.button(key="check_run").click().run())
    assert app.warning and not app.success
    assert "It can start. Read" in texts(app)
    assert re.search(r"\d+ rows; half of them have at most \d+ tokens", texts(app))
    assert "0 cut at the end" not in texts(app)


def test_every_number_is_explained_with_a_range_and_the_data_is_shown(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    for language, range_of_epochs in (("en", "3 to 20 suit"), ("zh", "宜用 3–20")):
        app = page(PAGE, language)
        helped = [field for field in app.number_input if field.key != "previewed_row"]
        assert len(helped) == 5 and all(field.help for field in helped)
        assert any(range_of_epochs in field.help for field in helped)
        assert len(app.table[0].value) == 5  # the first rows of the data


def test_a_start_lands_on_the_new_run_and_a_second_one_asks_first(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    add_run(project.home, "older", finished=True)
    command = ["finetune", "train", "x.toml", "--name", "other", "--json"]
    with running_job(project, "one", command):
        app = page(PAGE)
        drawn(app.segmented_control(key="training_view").select("new").run())
        drawn(app.button(key="start_run").click().run())
        assert any("Other work runs on this machine" in box.value for box in app.warning)
        drawn(app.button(key="start_run_queue").click().run())
        assert app.selectbox(key="shown_run").value == "people"
        assert "Waits in line" in [bar.proto.text for bar in app.get("progress")]
        job = next(job for job in list_jobs(project) if job.id != "one")
        job.cancel(grace=20)
    assert job.state == "cancelled"


def test_the_chinese_page_has_no_english_left(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    add_run(settings.home, "one", finished=True)
    add_run(settings.home, "two", finished=False)
    text = re.sub(r":[a-z_-]+(/[a-z_]+:)?|\{.*", " ", texts(page(PAGE, "zh")))
    assert set(re.findall(r"[A-Za-z]{2,}", text)) <= {"one", "two"}


def test_a_file_of_pairs_is_learned_as_pairs_with_a_smaller_rate(
    project: Settings, page: Callable[..., AppTest]
) -> None:
    pair = {"prompt": "Who?", "chosen": "Mira.", "rejected": "Nobody."}
    pairs = project.home / "uploads" / "training" / "pairs.jsonl"
    pairs.write_text(json.dumps(pair) + "\n", "utf-8")
    os.utime(pairs, (0, 0))  # older than the dialogues
    app = page(PAGE)
    assert app.selectbox(key="training_task").value == "sft"
    drawn(app.selectbox(key="training_data").select(pairs).run())
    assert app.selectbox(key="training_task").value == "dpo"
    assert 'task = "dpo"' in app.code[0].value and "learning_rate = 0.0006" in app.code[0].value
    drawn(app.selectbox(key="training_task").select("kto").run())
    assert app.selectbox(key="training_task").value == "kto"  # a person's choice stays


def test_runs_are_compared_by_their_curves_and_by_what_differs(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    add_run(settings.home, "one", finished=True)
    other = add_run(settings.home, "two", finished=True)
    text = (other / "run.toml").read_text("utf-8")
    (other / "run.toml").write_text(f"seed = 7\n{text}", "utf-8")
    row = {"step": 20, "eval_loss": 0.4, "eval_margin": 0.25, "eval_accuracy": 0.75}
    append_metrics(other / "metrics.jsonl", row)
    app = page(PAGE)
    tables = {tuple(table.value.columns): table.value for table in app.dataframe}
    settings_table = tables["Setting", "two", "one"]
    assert settings_table.values.tolist() == [["seed", "7", "42"]]
    results = tables["Result", "two", "one"]
    assert ["Loss", "0.15", "0.15"] in results.values.tolist()
    drawn(app.selectbox(key="shown_run").select("two").run())
    assert "in 75% of the pairs, by 0.250 on average" in texts(app)
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    titles = [spec["encoding"]["y"]["title"] for spec in specs]
    assert titles == ["loss", "reward margin", "held-out loss"]
    assert specs[-1]["encoding"]["color"]["scale"]["domain"] == ["two", "one"]
    drawn(app.segmented_control(key="compared_curve").select("eval_margin").run())
    spec = json.loads(app.get("vega_lite_chart")[-1].proto.spec)
    assert spec["encoding"]["color"]["scale"]["domain"] == ["two"]  # the other one has none
    drawn(app.multiselect(key="compared_runs").unselect("one").run())
    assert "Choose two or more." in texts(app)

    done = CliRunner().invoke(compare, ["one", "two", "--json"])
    found = json.loads(done.output)
    assert found["settings"] == {"seed": [42, 7]} and found["runs"] == ["one", "two"]
    assert CliRunner().invoke(compare, ["one", "one"]).exit_code != 0


def test_a_curve_is_raw_smoothed_and_held_out_and_ends_with_the_last_step() -> None:
    rows = [{"step": step, "loss": 1.0} for step in range(1, 5001)] + [
        {"step": 5000, "eval_loss": 0.5}
    ]
    spec = loss_chart(rows)
    assert spec
    values = spec["data"]["values"]
    assert {value["line"] for value in values} == {"train, raw", "train, smoothed", "held out"}
    assert len(values) <= 2001 and max(value["step"] for value in values) == 5000
    assert loss_chart([]) is None


def test_a_run_is_scored_by_a_click_and_shows_its_worst_answers(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    run = add_run(settings.home, "whole", finished=True)
    row = {"question": "Where does Mira live?", "answer": "Oslo"}
    (run / "data").mkdir(exist_ok=True)
    (run / "data" / "eval.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    rows = [["Where?", "Oslo", "Rome", 0.3, 0], ["Who?", "Mira", "Mira", 1.0, 1]]
    (run / "scores").mkdir()
    table = as_csv(["question", "reference", "prediction", "F1", "contains"], rows[::-1])
    (run / "scores" / "held-out.csv").write_bytes(table)
    app = page(PAGE)
    worst = next(frame.value for frame in app.dataframe if "Expected" in frame.value)
    assert list(worst["Answer"]) == ["Rome", "Mira"] and list(worst["Contained"]) == ["0", "1"]
    app.multiselect(key="score_metrics_whole").set_value(["contains", "numbers"])
    drawn(app.button(key="score_now_whole").click().run())
    [job] = list_jobs(settings)
    job.cancel(grace=0)
    data = run / "data" / "eval.jsonl"
    assert job.command[:5] == ["finetune", "score", "whole", "--data", str(data)]
    assert "--metrics=contains,numbers" in job.command
    assert job.command[-3:] == ["--csv", str(run / "scores" / "held-out.csv"), "--json"]
