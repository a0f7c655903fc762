"""What SQLAlchemy and the drivers raise -> our errors, without the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from agents.databases.passwords import password_of, variable_of
from agents.databases.sources import DataSource
from workbench.errors import InvalidInput, NotFound, Stopped, Unavailable, WorkbenchError
from workbench.messages import say

# what the drivers say, lower-cased; their classes and codes differ too much to go by
NO_ENTRY = re.compile(
    r"access denied|authentication failed|password authentication|no password supplied"
)
NO_ANSWER = re.compile(
    r"can't connect|connection refused|could not connect|timeout expired|lost connection"
    r"|server closed|connection failed|name or service|could not translate|connection timeout"
    r"|gone away"
)
NO_DATABASE = re.compile(r"unknown database|database \"[^\"]*\" does not exist")
OUT_OF_TIME = re.compile(r"max_statement_time|maximum statement execution|statement timeout")
OUT_OF_SPACE = re.compile(
    r"max_session_mem_used|temp_file_limit|out of memory|database or disk is full"
)
STOPPED = re.compile(r"canceling statement|interrupt|query execution was|terminating connection")


class QueryFailed(InvalidInput):
    """The database refused the query; `problem` is its message."""


class DatabaseSays(Exception):
    """What a database in a child process says against a query, in its own words."""


@contextmanager
def maps_database_errors(
    source: DataSource, statement: str = "", seconds: float = 0
) -> Iterator[None]:
    """`statement` is the query that runs, empty while the connection is made; it has `seconds`.

    Raises Unavailable, NotFound, Stopped or QueryFailed.
    """
    import sqlalchemy.exc

    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        ran = statement or error.statement or ""
        raise _mapped(source, error.orig or error, ran, seconds) from error
    except DatabaseSays as error:
        raise _mapped(source, error, statement, seconds) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Unavailable(
            say("{name}: {text}", name=source.name, text=_message(source, error)),
            "See: workbench data schema",
        ) from error


def too_slow(seconds: float) -> Stopped:
    """What is said of a query whose time was over."""
    return Stopped(
        say("The query took longer than {seconds:g} s and was ended.", seconds=seconds),
        "Narrow it down, or raise WORKBENCH_QUERY_SECONDS.",
    )


def too_big() -> Stopped:
    """What is said of a query that needs more memory or temporary files than it may use."""
    return Stopped(
        "The query needs more memory or temporary space than it may use.",
        "Narrow it down: fewer rows, columns or groups.",
    )


def _mapped(
    source: DataSource, error: BaseException, statement: str, seconds: float
) -> WorkbenchError:
    text = _message(source, error)
    lowered = text.lower()
    if NO_ENTRY.search(lowered):
        return Unavailable(
            say("{address} refuses the user or the password.", address=source.address),
            say(
                "Enter the right one on the Data page, or export it as {variable}.",
                variable=variable_of(source.name, source.space),
            ),
        )
    if NO_ANSWER.search(lowered):
        return Unavailable(
            say("{address} does not answer.", address=source.address),
            "Start the server, or correct the address; then ask again.",
        )
    if NO_DATABASE.search(lowered):
        return NotFound(
            say("{address}: {text}", address=source.address, text=text),
            "Correct the name of the database: remove the source and add it again.",
        )
    if OUT_OF_TIME.search(lowered):
        return too_slow(seconds)
    if OUT_OF_SPACE.search(lowered):
        return too_big()
    if STOPPED.search(lowered):
        return Stopped("The query was stopped.")
    if not statement:
        return Unavailable(
            say("{name}: {text}", name=source.name, text=text),
            "Check that the file is a database that nobody else has locked.",
        )
    return QueryFailed(
        text,
        say(
            "If tables have changed, refresh: workbench data schema {name} --refresh",
            name=source.name,
        ),
    )


def _message(source: DataSource, error: BaseException) -> str:
    """The driver's message on one line, with the password taken out."""
    text = str(error)
    if len(error.args) > 1 and isinstance(error.args[0], int):  # (number, message) of MySQL
        text = str(error.args[1])
    lines = [line.strip() for line in text.splitlines()[:2]]
    text = " ".join(lines) or type(error).__name__
    password = ""
    if source.url:
        password = password_of(source.name, source.url, source.space)
    return text.replace(password, "…") if password else text
