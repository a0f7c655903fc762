"""`workbench demo`: runs the steps that packages contribute, by public commands alone."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from workbench.cli import call, json_option, print_json, receiving, reports_errors
from workbench.contributions import load_in_order
from workbench.errors import WorkbenchError
from workbench.messages import say
from workbench.progress import Plan
from workbench.settings import Settings, load_settings
from workbench.terminal import Event, Report, reporting

COMMAND = ["demo", "--json"]
"""What a page starts as a job."""

PASSED_ON = ("progress", "sample", "warning")  # events of a step's commands that the demo repeats


class Demo:
    """What a step works with: the settings, the facts of the steps before it, and commands.

    A step makes nothing again that exists already.
    """

    def __init__(self, settings: Settings, publish: bool, report: Report) -> None:
        self.settings = settings
        self.publish = publish
        self.facts: dict[str, Any] = {}
        self.words: list[str] = []
        """What the person reads at the end; a step adds its lines."""
        self.plan = Plan({})
        self._report = report
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Since the demo began."""
        return round(time.monotonic() - self._began, 1)

    def command(self, stage: str, *words: Any) -> Event:
        """Run `workbench WORDS…` in this process and return its last JSON line.

        Its progress is told as that of the stage. Raises WorkbenchError with the command's problem
        and fix where it fails.
        """
        texts = [str(word) for word in words]
        command = " ".join(["workbench", *texts])
        self._report({"event": "step", "command": command} | self._place(stage))
        last: Event = {}

        def receive(line: Event) -> None:
            nonlocal last
            last = line
            if line.get("event") in PASSED_ON:
                with receiving(None):  # else the line would come back here
                    self._report(line | self._place(stage))

        with own_signals():
            status = call(texts, receive)
        if status:
            raise _failure(stage, last)
        return last

    def train(self, stage: str, run_file: Path) -> str:
        """Train the run of that file, or take it up again; returns its folder."""
        begun = (self.settings.home / "runs" / run_file.stem).exists()
        resume = ["--resume"] if begun else []
        return self.command(stage, "finetune", "train", run_file, *resume)["run"]

    def _place(self, stage: str) -> dict[str, Any]:
        """What a line says of the stage: its name, where it stands, and the time so far."""
        return {"stage": stage, "elapsed": self.seconds(), **self.plan.place(stage)}


@dataclass(frozen=True)
class DemoStep:
    """What a package adds to the demo."""

    run: Callable[[Demo], dict[str, Any]]
    """Returns the facts that it found."""

    stages: Mapping[str, float]
    """English name -> the seconds that it took on two processor cores; only their ratios count."""


@click.command()
@click.option("--publish", is_flag=True, help="Also publish the adapter to Ollama.")
@json_option
@reports_errors
def demo(publish: bool, as_json: bool) -> None:
    """Make small models and measure them: one learns made-up facts, one to query. No download.

    \b
    Example:
      workbench demo
    """
    settings = load_settings()
    with reporting(as_json, _note) as report:
        result = Demo(settings, publish, report)
        run_steps(result, demo_steps())
    if as_json:
        print_json({"event": "done", **result.facts})
    else:
        click.echo("\n".join(result.words))


def run_steps(demo: Demo, steps: Sequence[DemoStep]) -> None:
    """Run the steps in their order; their facts add up in `demo.facts`."""
    stages: dict[str, float] = {}
    for step in steps:
        stages |= step.stages
    demo.plan = Plan(stages)
    for step in steps:
        demo.facts |= step.run(demo)
    demo.facts["seconds_in_all"] = demo.seconds()
    demo.words.append(f"{demo.facts['seconds_in_all']:.0f} s in all. Open the app: workbench run")


def demo_steps() -> list[DemoStep]:
    """Every package's steps, in their order."""
    return load_in_order("demo")


@contextmanager
def own_signals() -> Iterator[None]:
    """A command may take signals for itself (a training saves first); give them back after it."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(stage: str, last: Event) -> WorkbenchError:
    """The command's own problem; a check of several problems counts by its first."""
    problems = last.get("problems") or [last]
    problem = problems[0].get("problem", say("no reason given"))
    return WorkbenchError(
        say("The step {step} failed: {problem}", step=stage, problem=problem),
        problems[0].get("fix", ""),
    )


def _note(event: Event) -> str:
    if event["event"] == "step":
        return click.style(f"$ {event['command']}", fg="cyan")
    if event["event"] == "sample":
        return f"  {event['question']}  →  {event['answer']}"
    return ""
