"""`workbench demo`: records -> a small base made on the spot -> a tuned adapter -> its score, by public commands alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import WorkbenchError
from workbench.settings import Settings, load_settings

CREW = Path(__file__).resolve().parents[1] / "examples" / "crew"
WORDINGS = "12"  # of each fact; a sixth of them is held out
STEPS = ["records", "split", "base", "check", "train", "score", "publish"]

Tell = Callable[[dict[str, Any]], None]


@click.command()
@click.option("--publish", is_flag=True, help="Also publish the adapter to Ollama.")
@json_option
@reports_errors
def demo(publish: bool, as_json: bool) -> None:
    """Make a small model, teach it records with made-up facts in Chinese and English, and measure it. Needs no download.

    \b
    Example:
      workbench demo
    """
    result = run_demo(load_settings(), publish, print_json if as_json else _show)
    if as_json:
        print_json(result)
        return
    click.echo(
        f"Exact answers: {result['trained_exact']:.3f} on wordings it was taught, {result['heldout_exact']:.3f} on wordings "
        f"it has never seen; {result['seconds']:.0f} s in all.\n"
        'Ask it: workbench ask "夜阑的职业是什么？" --mode tuned --model local:crew\n'
        "Or open the app (workbench run), choose Tuned and local:crew."
    )


def run_demo(settings: Settings, publish: bool, tell: Tell) -> dict[str, Any]:
    """Each step is a command that a person can type; what is there already is not made again. Returns the last event."""
    began = time.monotonic()
    folder = settings.folder("demo")
    trained, held_out = folder / "train.jsonl", folder / "eval.jsonl"
    rows = [_ask(folder, language, tell) for language in ("zh", "en")]
    _command(tell, "split", "finetune", "data", "split", *rows, "--out", folder, "--share", 1 / 6,
             "--hold-out", "paraphrases", "--replace")  # fmt: skip
    if not (folder / "base" / "config.json").exists():
        _command(tell, "base", "finetune", "make-base", folder / "base", *rows)
    run_file = folder / "crew.toml"
    run_file.write_text((CREW / "crew.toml").read_text("utf-8"), "utf-8")
    _command(tell, "check", "finetune", "check", run_file)
    begun = ["--resume"] if (settings.home / "runs" / "crew").exists() else []
    run = _command(tell, "train", "finetune", "train", run_file, *begun)["run"]
    scores = [
        _command(tell, "score", "finetune", "score", "crew", "--data", path, "--batch", 64)["exact"]
        for path in (trained, held_out)
    ]
    if publish:
        _publish(tell)
    seconds = round(time.monotonic() - began, 1)
    return {"event": "done", "run": run, "trained_exact": scores[0], "heldout_exact": scores[1], "seconds": seconds}


def _ask(folder: Path, language: str, tell: Tell) -> Path:
    path = folder / f"crew_{language}.jsonl"
    _command(tell, "records", "finetune", "augment", CREW / f"crew_{language}.csv", "--out", path, "--per-fact", WORDINGS,
             "--replace")  # fmt: skip
    return path


def _command(tell: Tell, step: str, *arguments: Any) -> dict[str, Any]:
    """Run `workbench …` in this process, which has loaded torch by then, pass its lines on and return the last."""
    from workbench.cli import workbench

    words = [str(argument) for argument in arguments]
    tell({"event": "step", "step_name": step, "command": " ".join(["workbench", *words])})
    lines = _Lines(tell)
    try:
        with redirect_stdout(lines):
            workbench.main([*words, "--json"], prog_name="workbench", standalone_mode=False)
    except SystemExit as end:
        if end.code:
            failed = lines.last.get("problems", [{}])[0] if "problems" in lines.last else lines.last
            raise WorkbenchError(
                f"The step {step} failed: {failed.get('problem', 'no reason given')}", failed.get("fix", "")
            ) from end
    return lines.last


def _publish(tell: Tell) -> None:
    """Publishing belongs to another room: its command is started as a program."""
    command = [sys.executable, "-m", "workbench.cli", "deploy", "publish", "crew", "--name", "crew", "--json"]
    tell({"event": "step", "step_name": "publish", "command": "workbench deploy publish crew --name crew"})
    lines = _Lines(tell)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        for line in process.stdout or ():
            lines.write(line)
    if process.returncode:
        raise WorkbenchError(
            f"Publishing failed: {lines.last.get('problem', 'no reason given')}", lines.last.get("fix", "")
        )


class _Lines(StringIO):
    """Takes a command's JSON lines and passes them on as they come."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self.pass_on, self.outside, self.rest = tell, sys.stdout, ""
        self.last: dict[str, Any] = {}

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in filter(str.strip, lines):
            self.last = json.loads(line)
            if self.last.get("event") in ("progress", "sample", "warning"):
                with redirect_stdout(self.outside):
                    self.pass_on(self.last)
        return len(text)


def _show(event: dict[str, Any]) -> None:
    if event["event"] == "step":
        click.secho(f"$ {event['command']}", fg="cyan")
    elif event["event"] == "progress" and "loss" in event:
        click.echo(f"\r  step {event['step']}/{event['steps']}  loss {event['loss']:.3f}  ", err=True, nl=False)
    elif event["event"] == "sample":
        click.echo(f"  {event['question']}  →  {event['answer']}")
