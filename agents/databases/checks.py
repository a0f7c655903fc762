"""The check of `workbench doctor` for databases: what the accounts of the servers may do."""

from __future__ import annotations

from collections.abc import Iterator

from agents.databases.rights import find_rights, sentence
from agents.databases.sources import list_sources
from workbench.messages import say
from workbench.settings import Settings
from workbench.start.finding import Finding, State


def check_accounts(settings: Settings) -> Iterator[Finding]:
    """One line for each server that is a source; a file is only ever opened read-only."""
    for source in list_sources(settings):
        if not source.url:
            continue
        rights = find_rights(source, settings)
        fix = say("See the statements for one: workbench data rights {name}", name=source.name)
        if rights.can_write is None:
            fix = say(
                "Look at the source: workbench data schema {name} --refresh", name=source.name
            )
        state: State = "ok" if rights.can_write is False else "missing"
        yield Finding(say("Account of {name}", name=source.name), state, sentence(rights), fix)
