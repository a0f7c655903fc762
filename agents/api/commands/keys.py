"""`workbench keys`: who may use the HTTP API from elsewhere."""

from __future__ import annotations

import time

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings

user_option = click.option("--user", default="", help="Whose key it is, where people sign in.")


@click.group()
def keys() -> None:
    """Make, list and revoke keys of the HTTP API."""


@keys.command()
@click.argument("name")
@click.option("--scopes", required=True, help="What it may do, such as chat,documents.")
@click.option("--expires", default=0.0, type=click.FloatRange(0), help="Days; 0 is never.")
@click.option("--per-minute", default=120, type=click.IntRange(1), show_default=True)
@user_option
@click.option("--space", default="", help="A group of theirs, or main; else their own space.")
@json_option
@reports_errors
def create(
    name: str,
    scopes: str,
    expires: float,
    per_minute: int,
    user: str,
    space: str,
    as_json: bool,
) -> None:
    """Make a key, which is shown once and kept only as a hash.

    Where people sign in, it is a user's and may in one space what they may, at most.

    \b
    Scopes: chat, embeddings, forecast, documents, chats, jobs, metrics.
    Example:
      workbench keys create team --scopes chat,documents --expires 90
      workbench keys create phone --scopes chat --user alice --space sales
    """
    from agents.api.keys import create_key

    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    root = load_settings()
    key = create_key(root, name, wanted, expires, per_minute, user=user, space=space)
    if as_json:
        owner = {"user": user, "space": space} if user else {}
        print_json({"event": "created", "name": name, "key": key, "scopes": wanted, **owner})
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
            names = ("name", "scopes", "expires", "expired", "per_minute", "user", "space")
            print_json({name: getattr(key, name) for name in names})
            continue
        day = time.strftime("%Y-%m-%d", time.localtime(key.expires)) if key.expires else "never"
        state = "expired" if key.expired else "expires"
        owner = f"  {key.user} {key.space}".rstrip()
        click.echo(f"{key.name}  {', '.join(key.scopes)}  {state} {day}{owner}")


@keys.command()
@click.argument("name")
@user_option
@reports_errors
def revoke(name: str, user: str) -> None:
    """Take a key back at once. Example: workbench keys revoke team"""
    from agents.api.keys import revoke_key

    revoke_key(load_settings(), name, user)
    click.echo(f"{name} is revoked.")
