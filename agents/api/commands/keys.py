"""`workbench keys`: who may use the HTTP API from elsewhere."""

from __future__ import annotations

import time

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings


@click.group()
def keys() -> None:
    """Make, list and revoke keys of the HTTP API."""


@keys.command()
@click.argument("name")
@click.option("--scopes", required=True, help="What it may do, such as chat,documents.")
@click.option("--expires", default=0.0, type=click.FloatRange(0), help="Days; 0 is never.")
@click.option("--per-minute", default=120, type=click.IntRange(1), show_default=True)
@json_option
@reports_errors
def create(name: str, scopes: str, expires: float, per_minute: int, as_json: bool) -> None:
    """Make a key, which is shown once and kept only as a hash.

    \b
    Scopes: chat, embeddings, forecast, documents, chats, jobs, metrics.
    Example:
      workbench keys create team --scopes chat,documents --expires 90
    """
    from agents.api.keys import create_key

    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    key = create_key(load_settings(), name, wanted, expires, per_minute)
    if as_json:
        print_json({"event": "created", "name": name, "key": key, "scopes": wanted})
    else:
        click.echo(key)


@keys.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """The keys without their texts. Example: workbench keys list"""
    from agents.api.keys import list_keys

    for key in list_keys(load_settings()):
        if as_json:
            facts = {"name": key.name, "scopes": key.scopes, "expires": key.expires}
            print_json(facts | {"expired": key.expired, "per_minute": key.per_minute})
            continue
        day = time.strftime("%Y-%m-%d", time.localtime(key.expires)) if key.expires else "never"
        state = "expired" if key.expired else "expires"
        click.echo(f"{key.name}  {', '.join(key.scopes)}  {state} {day}")


@keys.command()
@click.argument("name")
@reports_errors
def revoke(name: str) -> None:
    """Take a key back at once. Example: workbench keys revoke team"""
    from agents.api.keys import revoke_key

    revoke_key(load_settings(), name)
    click.echo(f"{name} is revoked.")
