"""`workbench groups`: people who share a workspace."""

from __future__ import annotations

from typing import Any

import click

from workbench.accounts.command import as_admin, confirm, told_removed
from workbench.accounts.groups import (
    IN_A_GROUP,
    add_group,
    existing_group,
    join,
    leave,
    list_groups,
)
from workbench.accounts.removing import remove_group
from workbench.cli import json_option, print_json, reports_errors


@click.group()
def groups() -> None:
    """Add, list and remove groups; let people into them."""


@groups.command()
@click.argument("name")
@json_option
@reports_errors
def add(name: str, as_json: bool) -> None:
    """Add a group with a workspace of its own. Example: workbench groups add sales"""
    add_group(as_admin(), name)
    _told({"event": "added", "name": name}, f"{name} is added.", as_json)


@groups.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """The groups with their members. Example: workbench groups list"""
    for group in list_groups(as_admin()):
        members = ", ".join(f"{person} ({role})" for person, role in group.members.items())
        _told(vars(group), f"{group.name}  {members}".rstrip(), as_json)


@groups.command("join")
@click.argument("group")
@click.argument("person")
@click.option("--role", type=click.Choice(IN_A_GROUP), default="editor", show_default=True)
@json_option
@reports_errors
def join_command(group: str, person: str, role: str, as_json: bool) -> None:
    """Let a person into a group, or change the role there: the lower of both roles counts.

    \b
    Example:
      workbench groups join sales bob --role reader
    """
    join(as_admin(), group, person, role)
    facts = {"event": "joined", "group": group, "person": person, "role": role}
    _told(facts, f"{person} is in {group} ({role}).", as_json)


@groups.command("leave")
@click.argument("group")
@click.argument("person")
@json_option
@reports_errors
def leave_command(group: str, person: str, as_json: bool) -> None:
    """Take a person out of a group. Example: workbench groups leave sales bob"""
    leave(as_admin(), group, person)
    facts = {"event": "left", "group": group, "person": person}
    _told(facts, f"{person} is not in {group} any more.", as_json)


@groups.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a group; what it made moves to `removed`. Example: workbench groups remove sales"""
    root = as_admin()
    group = existing_group(root, name)
    confirm(f"Remove the group {group.name}?", yes, as_json)
    told_removed(group.name, str(remove_group(root, group.name) or ""), as_json)


def _told(facts: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        click.echo(text)
