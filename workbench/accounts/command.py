"""`workbench users`: who may sign in, with which role."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import click

from workbench.accounts.audit import DEEDS, list_audit
from workbench.accounts.groups import existing_group, join
from workbench.accounts.passwords import new_password
from workbench.accounts.people import (
    ROLES,
    Person,
    Quota,
    add_person,
    change_quota,
    change_role,
    disable,
    enable,
    existing,
    list_people,
)
from workbench.accounts.removing import remove_person
from workbench.accounts.signing_in import end_sessions, set_password
from workbench.accounts.spaces import is_space
from workbench.cli import json_option, print_json, read_secret, reports_errors
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings, load_settings

PASSWORD = "WORKBENCH_PASSWORD"  # noqa: S105 – the name of a variable
generate_option = click.option("--generate", is_flag=True, help="Make one and print it once.")


@click.group()
def users() -> None:
    """Add, list, disable and remove people who sign in; what they did."""


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), help="The first one is an admin, else editor.")
@click.option("--group", "groups", multiple=True, help="A group to let them into; may be repeated.")
@generate_option
@json_option
@reports_errors
def add(name: str, role: str, groups: Sequence[str], generate: bool, as_json: bool) -> None:
    """Add a person with a workspace of their own; from the first one on people sign in.

    The password is asked for, or taken from WORKBENCH_PASSWORD, or made.

    \b
    Example:
      workbench users add alice
      workbench users add bob --role reader --group sales --generate
    """
    root = as_admin()
    for group in groups:
        existing_group(root, group)
    password = _password(generate)
    person = add_person(root, name, password, role)  # type: ignore[arg-type]
    for group in groups:
        join(root, group, person.name)
    _told("added", existing(root, name), password if generate else "", as_json)


@users.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """The people with role, groups and last sign-in. Example: workbench users list"""
    for person in list_people(as_admin()):
        if as_json:
            print_json(facts_of(person))
            continue
        groups = ", ".join(f"{group} ({role})" for group, role in person.groups.items())
        state = "disabled" if person.disabled else _last(person)
        click.echo("  ".join(filter(None, [person.name, person.role, groups, state])))


@users.command("disable")
@click.argument("name")
@json_option
@reports_errors
def disable_command(name: str, as_json: bool) -> None:
    """Let a person in no more, at once; their things stay. Example: workbench users disable bob"""
    root = as_admin()
    disable(root, name)
    _told("disabled", existing(root, name), "", as_json)


@users.command("enable")
@click.argument("name")
@json_option
@reports_errors
def enable_command(name: str, as_json: bool) -> None:
    """Let a disabled person in again. Example: workbench users enable bob"""
    root = as_admin()
    enable(root, name)
    _told("enabled", existing(root, name), "", as_json)


@users.command()
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@json_option
@reports_errors
def role(name: str, role: str, as_json: bool) -> None:
    """Give a person another role. Example: workbench users role bob editor"""
    root = as_admin()
    change_role(root, name, role)  # type: ignore[arg-type]
    _told("changed", existing(root, name), "", as_json)


@users.command()
@click.argument("name")
@generate_option
@json_option
@reports_errors
def password(name: str, generate: bool, as_json: bool) -> None:
    """Give a person another password; their sessions end. Example: workbench users password bob"""
    root = as_admin()
    person = existing(root, name)
    given = _password(generate)
    set_password(root, person.name, given)
    _told("changed", person, given if generate else "", as_json)


@users.command()
@click.argument("name")
@click.option("--answers-at-once", type=click.IntRange(0), help="Answers that grow at one time.")
@click.option("--answers-a-day", type=click.IntRange(0), help="By the server's clock.")
@click.option("--megabytes", type=click.IntRange(0), help="Of the disk, in their own workspace.")
@json_option
@reports_errors
def quota(
    name: str,
    answers_at_once: int | None,
    answers_a_day: int | None,
    megabytes: int | None,
    as_json: bool,
) -> None:
    """What a person may take of the machine; 0 is without a limit.

    \b
    Example:
      workbench users quota bob --answers-a-day 200 --megabytes 5000
    """
    root = as_admin()
    now = existing(root, name).quota
    wanted = Quota(
        now.answers_at_once if answers_at_once is None else answers_at_once,
        now.answers_a_day if answers_a_day is None else answers_a_day,
        now.megabytes if megabytes is None else megabytes,
    )
    change_quota(root, name, wanted)
    _told("changed", existing(root, name), "", as_json)


@users.command("sign-out")
@click.argument("name")
@json_option
@reports_errors
def sign_out(name: str, as_json: bool) -> None:
    """End all sessions of a person. Example: workbench users sign-out bob"""
    root = as_admin()
    end_sessions(root, name)
    _told("changed", existing(root, name), "", as_json)


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a person; what they made moves to `removed`. Example: workbench users remove bob"""
    root = as_admin()
    person = existing(root, name)
    confirm(f"Remove {person.name}?", yes, as_json)
    told_removed(person.name, str(remove_person(root, person.name) or ""), as_json)


@users.command()
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@click.option("--person", default="", help="Only what this person did.")
@click.option("--what", default="", type=click.Choice(["", *DEEDS]), help="Only deeds of a kind.")
@json_option
@reports_errors
def audit(limit: int, person: str, what: str, as_json: bool) -> None:
    """Who signed in or changed what, the newest first.

    \b
    Example:
      workbench users audit --limit 20
      workbench users audit --what sign_in_failed --json
    """
    for entry in list_audit(as_admin(), limit, person, what):
        if as_json:
            print_json(vars(entry))
            continue
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
        english, _ = DEEDS.get(entry.what, (entry.what, entry.what))
        click.echo(f"{when}  {entry.who or 'the command line'}  {english}  {entry.about}".rstrip())


def as_admin() -> Settings:
    """The settings of the whole. Raises InvalidInput for a process of somebody else's."""
    settings = load_settings()
    if settings.role != "admin":
        raise InvalidInput("Only an admin manages people.", "Ask an admin.")
    if is_space(settings.home):
        raise InvalidInput(
            say("{path} is a space of another workspace.", path=settings.home),
            "Set WORKBENCH_HOME to that workspace.",
        )
    return settings


def confirm(question: str, yes: bool, as_json: bool) -> None:
    """Ask the person on the terminal. Raises InvalidInput where nobody can be asked."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise InvalidInput("It was not confirmed.", "Add --yes to remove it.")
    click.confirm(question, abort=True)


def told_removed(name: str, moved: str, as_json: bool) -> None:
    """Say what was removed, and where its files are."""
    if as_json:
        print_json({"event": "removed", "name": name, "files": moved})
        return
    where = f" The files are in {moved}." if moved else ""
    click.echo(f"{name} is removed.{where}")


def facts_of(person: Person) -> dict[str, object]:
    """What `--json` says of a person."""
    names = ("name", "role", "groups", "disabled", "created", "signed_in", "has_password")
    facts: dict[str, object] = {name: getattr(person, name) for name in names}
    return facts | {"quota": vars(person.quota)}


def _told(event: str, person: Person, password: str, as_json: bool) -> None:
    if as_json:
        shown = {"password": password} if password else {}
        print_json({"event": event, **facts_of(person), **shown})
    else:
        click.echo(f"{person.name} ({person.role}): {event}")
        if password:
            click.echo(password)


def _password(generate: bool) -> str:
    """The new password: made, from the environment, typed twice, or piped in."""
    if generate:
        return new_password()
    if os.environ.get(PASSWORD):
        return os.environ[PASSWORD]
    first = read_secret("Password")
    if sys.stdin.isatty() and read_secret("The same once more") != first:
        raise InvalidInput("The two are not the same.", "Try again.")
    return first


def _last(person: Person) -> str:
    if not person.signed_in:
        return "never signed in"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(person.signed_in))
