"""`workbench deploy …`: publish a run to Ollama, proven; list, compare, verify, promote and remove
versions.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.commands.terminal import Steps, form_in_words, in_words
from deploy.order import ADAPTER, PRECISIONS, PROMPTS, Order
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.publish import Files
    from deploy.versions import Version

host_option = click.option(
    "--host", help="Address of the Ollama server; else WORKBENCH_OLLAMA_HOST."
)


@click.group()
def deploy() -> None:
    """Publish a run or a model to Ollama, proven, in versions."""


@deploy.command()
@click.argument("run")
@click.option("--name", required=True, help="The model's name in Ollama, without its version.")
@click.option(
    "--quantize", "precision", type=click.Choice(PRECISIONS), default="f16", show_default=True
)
@click.option("--system", help="System prompt; else the one the run was trained with.")
@click.option(
    "--modelfile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An edited Modelfile.",
)
@click.option(
    "--pre-tokenizer", "pre", default="", help="llama.cpp's name of it, where it cannot be found."
)
@click.option(
    "--llama-cpp", default="", help="A llama.cpp checkout to use instead of the installed package."
)
@click.option(
    "--adapter",
    type=click.Choice(ADAPTER),
    default="auto",
    show_default=True,
    help="Publish the adapter alone, on its base in Ollama: where certain, always, or never.",
)
@click.option(
    "--from",
    "base",
    default="",
    metavar="MODEL",
    help="The model in Ollama that is the adapter's base.",
)
@click.option(
    "--prompts",
    type=click.IntRange(1, 1000),
    default=PROMPTS,
    show_default=True,
    help="Conversations of the proof.",
)
@click.option(
    "--gguf-only",
    type=click.Path(path_type=Path),
    help="Only write model.gguf and Modelfile to this folder.",
)
@click.option(
    "--show-modelfile",
    is_flag=True,
    help="Print the Modelfile and stop, to edit it and give it back.",
)
@click.option("--keep-candidate", is_flag=True, help="After a failure keep what a retry can use.")
@host_option
@json_option
@reports_errors
def publish(
    run: str,
    name: str,
    precision: str,
    system: str | None,
    modelfile: Path | None,
    pre: str,
    llama_cpp: str,
    adapter: str,
    base: str,
    prompts: int,
    gguf_only: Path | None,
    show_modelfile: bool,
    keep_candidate: bool,
    host: str | None,
    as_json: bool,
) -> None:
    """Publish a run, an adapter's or a model's folder to Ollama, proven to answer as trained.

    \b
    Example:
      workbench deploy publish role-model --name zhongli --quantize q8_0
    """
    from deploy.modelfile import read_modelfile
    from deploy.plan import make_plan
    from deploy.publish import publish as publish_order
    from deploy.publish import write_files

    settings = _settings(host)
    order = Order(
        run=run,
        name=name,
        precision=precision,
        system=system,
        modelfile=read_modelfile(modelfile.read_text("utf-8")) if modelfile else None,
        pre=pre,
        llama_cpp=llama_cpp,
        prompts=prompts,
        keeps_candidate=keep_candidate,
        adapter=adapter,
        on=base,
    )
    if show_modelfile:
        click.echo(make_plan(order, settings).modelfile.text(), nl=False)
    elif gguf_only:
        with Steps(as_json) as steps:
            files = write_files(order, settings, gguf_only, steps.tell)
        _show_files(files, name, as_json)
    else:
        with Steps(as_json) as steps:
            version = publish_order(order, settings, steps.tell)
        _show_published(version, as_json)


def _show_files(files: Files, name: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "event": "done",
                "gguf": str(files.gguf),
                "modelfile": str(files.modelfile),
                "gguf_sha256": files.sha256,
            }
        )
        return
    click.echo(files.gguf)
    click.echo(f"Register it:  ollama create {name} -f {files.modelfile}")


def _show_published(version: Version, as_json: bool) -> None:
    card = version.card
    if as_json:
        shown = ("gguf_sha256", "gguf_bytes", "adapter_on", "merged_because", "proof")
        facts = {field: card.get(field) for field in shown}
        print_json({"event": "done", "model": version.tag, **facts})
        return
    click.echo(f"Published {version.tag}. {form_in_words(card)}{in_words(card['proof'])}")
    click.echo(f"Ask it:  workbench ask --mode tuned --model ollama:{version.name} …")


@deploy.command()
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@reports_errors
def merge(run: str, folder: Path, as_json: bool) -> None:
    """Write base and adapter as one Hugging Face folder.

    Example: workbench deploy merge role-model ./merged
    """
    from deploy.artefact import find_artefact
    from deploy.merged import write_merged

    written = write_merged(find_artefact(run, load_settings()), folder)
    if as_json:
        print_json({"event": "done", "folder": str(written)})
    else:
        click.echo(written)


@deploy.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """Published models and their versions, the newest first. Example: workbench deploy list"""
    from deploy.versions import list_versions

    for version in list_versions(load_settings()):
        card = version.card
        if as_json:
            print_json({"model": version.tag, "latest": version.latest, **card})
            continue
        mark = "latest" if version.latest else ""
        made = f"{card['created'][:16]}  from {card['run']}"
        click.echo(f"{version.tag:<30} {mark:<7} {card['precision']:<7} {made}")


@deploy.command()
@click.argument("one")
@click.argument("other")
@json_option
@reports_errors
def compare(one: str, other: str, as_json: bool) -> None:
    """What differs between two versions. Example: workbench deploy compare zhongli:v1 zhongli:v2"""
    from deploy.versions import compare_versions, find_version

    settings = load_settings()
    left = find_version(settings, one)
    right = find_version(settings, other)
    for field, (first, second) in compare_versions(left, right).items():
        if as_json:
            print_json({"field": field, left.tag: first, right.tag: second})
        else:
            click.echo(f"{field}\n  {left.tag}  {first}\n  {right.tag}  {second}")


@deploy.command()
@click.argument("model")
@click.option("--prompts", type=click.IntRange(1, 1000), default=PROMPTS, show_default=True)
@json_option
@reports_errors
def verify(model: str, prompts: int, as_json: bool) -> None:
    """Prove a published version again. Example: workbench deploy verify zhongli:v1"""
    from deploy.publish import verify_version
    from deploy.versions import find_version

    settings = load_settings()
    version = find_version(settings, model)
    with Steps(as_json) as steps:
        proof = verify_version(version, settings, prompts, steps.tell)
    if as_json:
        print_json({"event": "done", "model": version.tag, "proof": proof})
    else:
        click.echo(f"{version.tag}: {in_words(proof)}")
    sys.exit(0 if proof["passed"] else 1)


@deploy.command()
@click.argument("model")
@json_option
@reports_errors
def promote(model: str, as_json: bool) -> None:
    """Let NAME:latest mean this version. Example: workbench deploy promote zhongli:v1"""
    from deploy.versions import find_version, publishing
    from deploy.versions import promote as promote_version

    settings = load_settings()
    with publishing(settings, model.partition(":")[0]):
        _say_latest(promote_version(find_version(settings, model)), as_json)


@deploy.command()
@click.argument("name")
@json_option
@reports_errors
def rollback(name: str, as_json: bool) -> None:
    """Let NAME:latest mean the version before. Example: workbench deploy rollback zhongli"""
    from deploy.versions import publishing, roll_back

    settings = load_settings()
    with publishing(settings, name):
        _say_latest(roll_back(settings, name), as_json)


@deploy.command()
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(model: str, yes: bool, as_json: bool) -> None:
    """Remove a version from Ollama. Example: workbench deploy remove zhongli:v1"""
    from deploy.versions import find_version, publishing
    from deploy.versions import remove as remove_version

    settings = load_settings()
    if ":" not in model:
        raise InvalidInput(
            say("{model} names no version.", model=model),
            say("Name one as {model}:v1; see: workbench deploy list", model=model),
        )
    version = find_version(settings, model)
    if not yes:
        click.confirm(f"Remove {version.tag} from {version.card['host']}?", abort=True)
    with publishing(settings, version.name):
        latest = remove_version(settings, version)
    if as_json:
        tag = latest.tag if latest else None
        print_json({"event": "done", "removed": version.tag, "latest": tag})
        return
    click.echo(f"Removed {version.tag}.")
    if latest:
        click.echo(f"{latest.name}:latest is {latest.tag}.")


@deploy.command()
@click.argument("name")
@reports_errors
def discard(name: str) -> None:
    """Clear away the candidate of a failed publish. Example: workbench deploy discard zhongli"""
    from deploy.publish import discard_candidate

    discard_candidate(name, load_settings())


def _say_latest(version: Any, as_json: bool) -> None:
    if as_json:
        print_json({"event": "done", "model": version.tag, "latest": True})
    else:
        click.echo(f"{version.name}:latest is {version.tag}.")


def _settings(host: str | None) -> Settings:
    return load_settings(**({"ollama_host": host} if host else {}))
