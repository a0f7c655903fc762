"""Why a query may not run, and which real names come nearest to one that is unknown."""

from __future__ import annotations

from difflib import get_close_matches

from workbench.errors import InvalidInput
from workbench.messages import say

LISTED = 20  # names that a refusal lists where none is near
LIKE = 0.5  # how alike a name must be to be suggested


class Refused(InvalidInput):
    """The query may not run. `unknown` is the name that does not exist, if that is the reason."""

    def __init__(self, problem: str, fix: str = "", unknown: str = "") -> None:
        super().__init__(
            problem, fix or "Ask for the data with one plain SELECT over the tables of this source."
        )
        self.unknown = unknown


class NoSelect(Refused):
    """The statement is none that reads, such as a DELETE."""


# what a refused function would do -> why it is refused, and what to do instead
EFFECTS = {
    "wait": (
        "it only waits",
        "Leave it out.",
    ),
    "lock": (
        "it takes a lock that others wait for",
        "Leave it out: a query that reads needs none.",
    ),
    "file": (
        "it reaches files of the server",
        "Add the file as a source of its own: `workbench data add NAME FILE`.",
    ),
    "network": (
        "it reaches other servers",
        "Add the other database as a source of its own: `workbench data add NAME ADDRESS`.",
    ),
    "account": (
        "it names the account or the server",
        "Ask for what is in the tables.",
    ),
    "change": (
        "it changes something on the server",
        "Leave it out: a query may only read.",
    ),
    "catalogue": (
        "it reads the server's own catalogue",
        "See the tables with `workbench data schema NAME`.",
    ),
    "code": (
        "it would run text as code",
        "Write what it would run as the query itself.",
    ),
    "secret": (
        "it handles keys and passwords",
        "Compare digests: MD5, SHA1 or SHA2.",
    ),
    "growth": (
        "its result can grow without bound",
        "Write the values themselves.",
    ),
    "series": (
        "this database has no such table",
        "Count with WITH RECURSIVE instead.",
    ),
}


def refused_function(name: str, effect: str) -> Refused:
    reason, instead = EFFECTS[effect]
    return Refused(
        say("The function {name} may not be used: {reason}.", name=name, reason=reason), instead
    )


def unknown_function(name: str, known: list[str]) -> Refused:
    problem = say("The function {name} is not on the list of functions that only read.", name=name)
    near = near_names(name, known)
    return Refused(problem, say("Did you mean {names}?", names=", ".join(near)) if near else "")


def unknown_table(name: str, known: list[str]) -> Refused:
    return Refused(say("There is no table {name} here.", name=name), _fix(name, known), name)


def unknown_column(name: str, known: list[str]) -> Refused:
    """`name` may have its table before a dot; only what follows the dot is compared."""
    fix = _fix(name.rpartition(".")[2], known)
    return Refused(say("There is no column {name} here.", name=name), fix, name)


def unknown_alias(name: str, known: list[str]) -> Refused:
    problem = say("There is no table or alias {name} here.", name=name)
    return Refused(problem, _fix(name, known), name)


def _fix(name: str, known: list[str]) -> str:
    near = near_names(name, known)
    if near:
        return say("Did you mean {names}?", names=", ".join(near))
    return say("There are: {names}.", names=", ".join(known[:LISTED]))


def near_names(name: str, known: list[str], count: int = 3) -> list[str]:
    """The known names that are most alike, the best first; case does not count."""
    folded = {entry.casefold(): entry for entry in reversed(known)}
    return [folded[key] for key in get_close_matches(name.casefold(), list(folded), count, LIKE)]
