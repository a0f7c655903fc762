"""`workbench demo` runs the packages' steps by public commands in its own process."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from workbench.cli import call, print_json, receiving
from workbench.contributions import contributions
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.start.demo import Demo, DemoStep, demo_steps, run_steps


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def demo(settings: Settings, events: list[dict[str, Any]]) -> Demo:
    return Demo(settings, publish=False, report=events.append)


def test_a_command_runs_here_and_its_lines_are_received(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[dict[str, Any]] = []
    assert call(["data", "example"], lines.append) == 0
    assert lines == [{"name": "advertising"}]
    assert capsys.readouterr().out == ""


def test_inside_a_receiver_lines_can_be_printed_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[dict[str, Any]] = []
    with receiving(lines.append):
        print_json({"event": "one"})
        with receiving(None):
            print_json({"event": "two"})
    assert lines == [{"event": "one"}]
    assert capsys.readouterr().out == '{"event": "two"}\n'


def test_a_step_gets_the_result_and_the_person_the_command(
    demo: Demo, events: list[dict[str, Any]]
) -> None:
    assert demo.command("example", "data", "example") == {"name": "advertising"}
    command = "workbench data example"
    assert [(event["stage"], event["command"]) for event in events] == [("example", command)]


def test_the_stages_of_all_steps_make_one_bar(demo: Demo, events: list[dict[str, Any]]) -> None:
    def first(demo: Demo) -> dict[str, Any]:
        return demo.command("Reading", "data", "example")

    def second(demo: Demo) -> dict[str, Any]:
        return demo.command("Measuring", "data", "example")

    steps = [DemoStep(first, {"Reading": 1}), DemoStep(second, {"Measuring": 3})]
    run_steps(demo, steps)
    places = [(line["number"], line["stages"], line["begin"], line["end"]) for line in events]
    assert places == [(1, 2, 0, 0.25), (2, 2, 0.25, 1)]


def test_a_failing_step_is_named_with_the_commands_own_fix(demo: Demo) -> None:
    with pytest.raises(WorkbenchError, match=r"The step read failed: .*gone") as failure:
        demo.command("read", "rag", "ingest", "gone")
    assert failure.value.fix == "Check the path."


def test_a_command_gives_the_signals_back(demo: Demo) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(WorkbenchError):  # it takes SIGTERM for itself, then finds no run
        demo.command("train", "finetune", "train", "no-such-run")
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_steps_come_in_their_order() -> None:
    positions = [position for one in contributions() for position in one.demo]
    assert len(positions) == len(set(positions)) == 3
    stages = [stage for step in demo_steps() for stage in step.stages]
    assert len(stages) == len(set(stages)) >= 12
