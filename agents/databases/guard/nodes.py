"""One node of a query's tree -> nothing, or Refused where the node is not on the lists."""

from __future__ import annotations

import re
from typing import Any

from agents.databases.guard.allowed import (
    allowed_arguments,
    allowed_classes,
    allowed_types,
    further_functions,
)
from agents.databases.guard.refused import Refused
from workbench.messages import say

LONGEST_PAD = 1_000  # characters
UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f\"`\\\[\]]")
PLAIN_KEY = re.compile(r"\w+")
PLAIN_WORDS = re.compile(r"\w+( \w+)*")


def check_node(node: Any, dialect: str) -> None:
    """Raises Refused for a node that is not on the lists, or has an argument that is not."""
    from sqlglot import exp

    kind = type(node)
    if kind is exp.Anonymous:
        _check_function(node, dialect)
        return
    if kind not in allowed_classes(dialect):
        name = kind_name(node)
        raise Refused(say("{name} is not on the list of what a query may hold.", name=name))
    _check_arguments(node)
    # texts that are printed without quotes, and sizes: a class alone says too little about them
    if kind is exp.Identifier and UNSAFE_IN_NAME.search(node.name):
        raise Refused("A name holds characters that could end it.")
    if kind is exp.JSONPathKey and not PLAIN_KEY.fullmatch(str(node.this)):
        raise Refused("A JSON path may name plain keys only.")
    if kind is exp.Var and not PLAIN_WORDS.fullmatch(str(node.this)):
        raise Refused("A keyword holds characters that do not belong there.")
    if kind is exp.DataType and node.this not in allowed_types():
        raise Refused(say("The type {type} is not on the list.", type=node.sql()))
    if kind is exp.Pad:
        _check_pad(node)


def kind_name(node: Any) -> str:
    """What a node is, as the person would call it."""
    from sqlglot import exp

    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return type(node).__name__.upper()


def _check_function(node: Any, dialect: str) -> None:
    """A function that sqlglot has no class for."""
    name = node.this  # a string, or an identifier where the name was quoted
    if not isinstance(name, str) or name.lower() not in further_functions(dialect):
        raise Refused(
            say(
                "The function {name} is not on the list of functions that only read.",
                name=node.name,
            )
        )


def _check_arguments(node: Any) -> None:
    from sqlglot import exp

    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise Refused(
            "A recursive query may not run: it can grow without bound before it gives a row.",
            "Ask for one level after the other: join the table with itself once for each level.",
        )
    allowed = allowed_arguments().get(type(node))
    if allowed is None:
        return
    for name, value in node.args.items():
        if value and name not in allowed:
            raise Refused(
                say(
                    "{kind} may not have {part} here.",
                    kind=type(node).__name__.upper(),
                    part=name.strip("_"),
                )
            )


def _check_pad(node: Any) -> None:
    """The length of the padded text must be a number in the query, so that it is known before."""
    length = node.expression
    if not length.is_int or int(length.this) > LONGEST_PAD:
        raise Refused(
            say(
                "Text may be padded to at most {characters} characters, given as a number.",
                characters=LONGEST_PAD,
            )
        )
