"""`workbench demo`: small bases made on the spot -> one that knows a crew, one that writes SQL, by public commands alone."""

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

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CREW = EXAMPLES / "crew"
WORDINGS = "12"  # of each fact; a sixth of them is held out
SOURCE, WRITER = (
    "advertising",
    "advertising-sql",
)  # the example database, and the run that writes its queries
PAIRS = 12_800

Tell = Callable[[dict[str, Any]], None]


@click.command()
@click.option("--publish", is_flag=True, help="Also publish the adapter to Ollama.")
@json_option
@reports_errors
def demo(publish: bool, as_json: bool) -> None:
    """Make two small models and measure them: one learns made-up facts, one to query the example database. No download.

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
        f"it has never seen, after {result['seconds']:.0f} s; queries for wordings it has never seen: {result['sql_exact']:.3f}, "
        f"{result['seconds_in_all']:.0f} s in all.\n"
        'Ask the crew: workbench ask "夜阑的职业是什么？" --mode tuned --model local:crew\n'
        f'Ask the database: workbench ask "哪个账号的评论数最多？" --mode data --source {SOURCE} --model none\n'
        "Or open the app (workbench run) and choose Tuned or Data."
    )


def run_demo(settings: Settings, publish: bool, tell: Tell) -> dict[str, Any]:
    """Each step is a command that a person can type; what is there already is not made again.

    Returns the last event: `seconds` is the time to the crew's measured answers, `seconds_in_all` that with the queries.
    """
    began = time.monotonic()
    folder = settings.folder("demo")
    trained, held_out = folder / "train.jsonl", folder / "eval.jsonl"
    rows = [_ask(folder, language, tell) for language in ("zh", "en")]
    _command(
        tell,
        "split",
        "finetune",
        "data",
        "split",
        *rows,
        "--out",
        folder,
        "--share",
        1 / 6,
        "--hold-out",
        "paraphrases",
        "--replace",
    )
    if not (folder / "base" / "config.json").exists():
        _command(tell, "base", "finetune", "make-base", folder / "base", *rows)
    run_file = folder / "crew.toml"
    run_file.write_text((CREW / "crew.toml").read_text("utf-8"), "utf-8")
    _command(tell, "check", "finetune", "check", run_file)
    run = _train(settings, run_file, tell)
    scores = [
        _command(tell, "score", "finetune", "score", "crew", "--data", path, "--batch", 64)["exact"]
        for path in (trained, held_out)
    ]
    if publish:
        _program(tell, "publish", "deploy", "publish", "crew", "--name", "crew")
    answers = round(time.monotonic() - began, 1)
    sql_run, sql_exact = _teach_sql(settings, tell)
    return {
        "event": "done",
        "run": run,
        "trained_exact": scores[0],
        "heldout_exact": scores[1],
        "sql_run": sql_run,
        "sql_exact": sql_exact,
        "seconds": answers,
        "seconds_in_all": round(time.monotonic() - began, 1),
    }


def _teach_sql(settings: Settings, tell: Tell) -> tuple[str, float]:
    """The example database gets a writer of its own; returns its run, and its score on wordings that it never saw."""
    folder = settings.folder("demo", "sql")
    taught, held_out = folder / "train.jsonl", folder / "eval.jsonl"
    _program(tell, "example", "data", "example")
    _program(
        tell,
        "questions",
        "data",
        "questions",
        SOURCE,
        "--out",
        taught,
        "--held-out",
        held_out,
        "--count",
        PAIRS,
        "--replace",
    )
    if not (folder / "base" / "config.json").exists():
        _command(
            tell,
            "base",
            "finetune",
            "make-base",
            folder / "base",
            taught,
            "--layers",
            2,
            "--width",
            128,
        )
    run_file = folder / f"{WRITER}.toml"
    run_file.write_text((EXAMPLES / SOURCE / run_file.name).read_text("utf-8"), "utf-8")
    run = _train(settings, run_file, tell)
    exact = _command(tell, "score", "finetune", "score", WRITER, "--data", held_out, "--batch", 64)[
        "exact"
    ]
    _program(tell, "writer", "data", "writer", SOURCE, f"local:{WRITER}")
    return run, exact


def _train(settings: Settings, run_file: Path, tell: Tell) -> str:
    """Train the run of that file, or take it up again; returns its folder."""
    begun = ["--resume"] if (settings.home / "runs" / run_file.stem).exists() else []
    return _command(tell, "train", "finetune", "train", run_file, *begun)["run"]


def _ask(folder: Path, language: str, tell: Tell) -> Path:
    path = folder / f"crew_{language}.jsonl"
    _command(
        tell,
        "records",
        "finetune",
        "augment",
        CREW / f"crew_{language}.csv",
        "--out",
        path,
        "--per-fact",
        WORDINGS,
        "--replace",
    )
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
                f"The step {step} failed: {failed.get('problem', 'no reason given')}",
                failed.get("fix", ""),
            ) from end
    return lines.last


def _program(tell: Tell, step: str, *arguments: Any) -> None:
    """A command of another room is started as a program."""
    words = [str(argument) for argument in arguments]
    tell({"event": "step", "step_name": step, "command": " ".join(["workbench", *words])})
    lines = _Lines(tell)
    command = [sys.executable, "-m", "workbench.cli", *words, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        for line in process.stdout or ():
            lines.write(line)
    if process.returncode:
        raise WorkbenchError(
            f"The step {step} failed: {lines.last.get('problem', 'no reason given')}",
            lines.last.get("fix", ""),
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
        click.echo(
            f"\r  step {event['step']}/{event['steps']}  loss {event['loss']:.3f}  ",
            err=True,
            nl=False,
        )
    elif event["event"] == "sample":
        click.echo(f"  {event['question']}  →  {event['answer']}")
