"""`workbench models`: list, pull, connect, test and remove chat models on the command line."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import click

from workbench.cli import (
    LazyCommands,
    contributed_commands,
    json_option,
    print_json,
    read_secret,
    reports_errors,
)
from workbench.errors import InvalidInput, Stopped, WorkbenchError
from workbench.settings import Settings, load_settings

SIDE_BY_SIDE = 4  # models whose facts are looked up at once


@click.group(cls=LazyCommands, commands_by_name=contributed_commands("models"))
def models() -> None:
    """List, pull, connect, test, compare and remove chat models."""


@models.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """Every chat model in reach: name, size, context. Example: workbench models list"""
    from workbench.models.hubs import list_half_downloaded
    from workbench.models.listing import CONNECT, list_models, packaged_models

    settings = load_settings()
    in_reach = list_models(settings)
    listed = [*in_reach, *packaged_models()]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        rows = list(pool.map(lambda info: _row(info, settings), listed))
    half = list_half_downloaded(settings)
    if as_json:
        for row in rows:
            print_json(row)
        print_json({"event": "done", "models": len(rows), "half_downloaded": list(half)})
        return
    for row in rows:
        click.echo(_line(row))
    for name in half:
        click.echo(f"{name}  half-downloaded; go on: workbench models pull {name}")
    if not in_reach:
        click.echo(f"No other chat model is in reach. {CONNECT}", err=True)


def _row(info: Any, settings: Settings) -> dict[str, Any]:
    from workbench.models.listing import describe_listed, size_of

    try:
        told = describe_listed(info, settings)
    except WorkbenchError as error:
        return {"name": info.name, "problem": error.problem}
    kind = info.name.partition(":")[0]
    size = size_of(told, settings)
    return {"name": info.name, "kind": kind, "size": size, "context_tokens": told.context_tokens}


def _line(row: dict[str, Any]) -> str:
    if "problem" in row:
        return f"{row['name']:<40}  {row['problem']}"
    from workbench.models.listing import readable_size

    size = readable_size(row["size"]) if row["size"] else "-"
    context = f"{row['context_tokens']} tokens" if row["context_tokens"] else "-"
    return f"{row['name']:<40}  {size:>9}  {context:>14}"


@models.command()
@click.argument("name")
@json_option
@reports_errors
def pull(name: str, as_json: bool) -> None:
    """Download a model: by Ollama, from the Hugging Face hub, or from ModelScope.

    Ctrl-C stops it; the same command goes on where it stopped.

    \b
    Example:
      workbench models pull qwen3:4b
      workbench models pull Qwen/Qwen3-0.6B
      workbench models pull modelscope:Qwen/Qwen3-0.6B
    """
    from workbench.models import hubs, ollama
    from workbench.terminal import reporting

    settings = load_settings()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with reporting(as_json) as report:
            if hubs.is_hub_name(name):
                chosen = hubs.download(name, settings, report)
            else:
                tag = name.removeprefix("ollama:")
                ollama.pull(tag, settings, report)
                chosen = f"ollama:{tag}"
    except KeyboardInterrupt as error:
        raise Stopped(
            "Stopped. What has arrived is kept.", "Run it again, it goes on where it stopped."
        ) from error
    if as_json:
        print_json({"event": "done", "model": chosen})
    else:
        click.echo(f"{chosen} is here. Try it: workbench models test {chosen}")


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@models.command()
@click.argument("kind", type=click.Choice(["ollama", "openai", "folder"]))
@click.argument("place")
@click.option("--name", default="", help="Name of an OpenAI-compatible server, such as vllm.")
@click.option(
    "--key",
    "with_key",
    is_flag=True,
    help="Ask for the server's key (or read it from stdin) and keep it in the keyring.",
)
@json_option
@reports_errors
def connect(kind: str, place: str, name: str, with_key: bool, as_json: bool) -> None:
    """Try a server or a model folder and remember it in the workspace.

    A key may also be exported as WORKBENCH_KEY_NAME. It is never written to a file.

    \b
    Example:
      workbench models connect ollama 10.0.0.5
      workbench models connect openai http://127.0.0.1:8000/v1 --name vllm
      workbench models connect folder ~/models/Qwen3-0.6B
    """
    from workbench.models.connecting import connect_folder, connect_ollama, connect_server
    from workbench.models.trying import models_of

    settings = load_settings()
    result: dict[str, Any] = {"event": "done", "kind": kind}
    if kind == "ollama":
        result["version"] = connect_ollama(place, settings)
        said = f"Ollama {result['version']} is connected."
    elif kind == "folder":
        result["model"] = connect_folder(place, settings)
        said = f"{result['model']} is connected."
    else:
        if not name:
            raise InvalidInput("The server needs a name.", "Add it, for example: --name vllm")
        server = connect_server(name, place, read_secret("Key") if with_key else "", settings)
        result["models"] = [server.named(model) for model in models_of(server)]
        said = "Connected: " + ", ".join(result["models"])
    if as_json:
        print_json(result)
    else:
        click.echo(said)


@models.command()
@click.argument("name")
@json_option
@reports_errors
def test(name: str, as_json: bool) -> None:
    """Ask a model one short question: time to the first token, tokens a second.

    \b
    Example:
      workbench models test ollama:qwen3:4b
    """
    from workbench.models.trying import try_model

    tried = try_model(name, load_settings())
    if as_json:
        print_json({"event": "done", **asdict(tried)})
        return
    click.echo(tried.answer)
    speed = f", {tried.tokens_per_second:.1f} tokens/s" if tried.tokens_per_second else ""
    click.echo(f"first token after {tried.first_token:.2f} s, {tried.tokens} tokens{speed}")


@models.command("speed-up")
@click.argument("name")
@json_option
@reports_errors
def speed_up_command(name: str, as_json: bool) -> None:
    """Let OpenVINO run a run or a model folder on this CPU, if its answers stay the same.

    \b
    Example:
      workbench models speed-up local:crew
    """
    from workbench.models.speeding import speed_up
    from workbench.terminal import reporting

    with reporting(as_json) as report:
        verdict = speed_up(name, load_settings(), report)
    if as_json:
        print_json({"event": "done", "equal": verdict.equal, **asdict(verdict)})
    elif verdict.equal:
        click.echo(
            f"{verdict.prompts} of {verdict.prompts} answers are the same: OpenVINO runs it."
        )
    else:
        click.echo(
            f"{verdict.same} of {verdict.prompts} answers are the same: transformers still runs it."
        )


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Delete a model, or forget a server (openai:SERVER) or a folder that was connected.

    \b
    Example:
      workbench models remove ollama:qwen3:4b
    """
    from workbench.models.connecting import removal, remove_model

    settings = load_settings()
    what = removal(name, settings)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise InvalidInput("It was not confirmed.", "Add --yes to remove it.")
    if not yes:
        click.confirm(f"{what} Go on?", abort=True)
    remove_model(name, settings)
    if as_json:
        print_json({"event": "done", "removed": name})
    else:
        click.echo(f"{name} is removed.")
