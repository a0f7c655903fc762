"""`workbench chats replay`: a chat as a regression test of today's models and collections."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.messages import say
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly

STOPPED = Stopped("Stopped. The turns that were asked again are kept.", "Run it again to go on.")


@click.command()
@click.argument("chat", type=int)
@click.option("--model", help="Chat model to ask instead of the chat's own.")
@click.option("--folder", default="Replays", show_default=True, help="Folder of the new chat.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also where a good answer was lost.")
@json_option
@reports_errors
def replay(chat: int, model: str | None, folder: str, exit_zero: bool, as_json: bool) -> None:
    """Ask every question of a chat again and say what changed.

    Each question is asked with the old turns before it. The old chat stays as it is; the new
    answers are kept in a chat of their own, with the old ones as their versions. A good answer is
    lost where its numbers and names are no longer said: then the exit status is 1.

    \b
    Example:
      workbench chats replay 12
      workbench chats replay 12 --model ollama:qwen3:4b --json
    """
    from agents.replay import read_replay
    from agents.replay import replay as ask_again
    from workbench.chat.conversations import Conversations
    from workbench.terminal import reporting

    settings = load_settings()
    conversations = Conversations(settings.database)
    with stops_cleanly(STOPPED, as_json), reporting(as_json) as report:
        copy = ask_again(chat, settings, conversations, report, model or "", folder)
    turns = read_replay(copy, conversations)
    counts = Counter(turn.state for turn in turns)
    lost = sum(turn.lost for turn in turns)
    for number, turn in enumerate(turns, 1):
        row = turn.as_row()
        if as_json:
            print_json({"event": "turn", "number": number, **row})
        else:
            click.echo(_line(number, row))
    summary = say(
        "{same} of {turns} answers are the same, {reworded} say the same in other words, "
        "{changed} changed, {failed} failed. Good answers lost: {lost}.",
        turns=len(turns),
        same=counts["same"],
        reworded=counts["reworded"],
        changed=counts["changed"],
        failed=counts["failed"],
        lost=lost,
    )
    if as_json:
        states = {state: counts[state] for state in ("same", "reworded", "changed", "failed")}
        result = {"event": "done", "chat": copy, "turns": len(turns), **states, "lost": lost}
        print_json(result | {"summary": summary})
    else:
        click.echo(summary)
    sys.exit(1 if lost and not exit_zero else 0)


def _line(number: int, row: dict[str, Any]) -> str:
    mark = "LOST  " if row["lost"] else ""
    question = " ".join(row["question"].split())
    lines = [f"{number:>3}  {row['state']:<8}  {row['similarity']:.2f}  {mark}{question}"]
    if row["state"] != "same":
        lines += [f"     {sentence}" for sentence in row["why"]]
    return "\n".join(lines)
