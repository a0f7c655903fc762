"""One node of a query's tree -> nothing, or Refused where the tables do not allow it."""

from __future__ import annotations

import re
from typing import Any

from agents.databases.guard.allowed import Meanings, meanings
from agents.databases.guard.refused import Refused, refused_function, unknown_function
from workbench.messages import say

UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f\"`\\\[\]]")
FORMATS = ("format", "printf")
GIVEN_WIDTH = re.compile(r"%[^a-zA-Z%]*\*|\{[^{}]*\{")  # one that is an argument: '%*d', '{:{}}'
# texts that are printed without quotes, or with quotes of another kind: what they may be
PLAIN = {
    "JSONPathKey": re.compile(r"\w[\w -]*"),
    "Var": re.compile(r"\w+( \w+)*"),
    "HexString": re.compile(r"[0-9a-fA-F]*"),
    "BitString": re.compile(r"[01]*"),
    "ByteString": re.compile(r"([^'\\]|\\[nrt])*"),
}


def check_node(node: Any, dialect: str) -> None:
    """Raises Refused for a node that is not on the lists, or has an argument that is not."""
    from sqlglot import exp

    allowed = meanings(dialect)
    kind = type(node)
    if kind is exp.Anonymous:
        _check_function(node, allowed)
        return
    if kind not in allowed.parts:
        raise _unlisted(node, allowed)
    _check_arguments(node, allowed)
    if kind is exp.Identifier and UNSAFE_IN_NAME.search(node.name):
        raise Refused("A name holds characters that could end it.")
    plain = PLAIN.get(kind.__name__)
    if plain is not None and not plain.fullmatch(str(node.this)):
        raise Refused(
            say("{kind} holds characters that do not belong there.", kind=kind_name(node))
        )
    if kind is exp.DataType and not _is_known(node, allowed):
        raise Refused(say("The type {type} is not on the list.", type=node.sql()))


def _is_known(kind: Any, allowed: Meanings) -> bool:
    """Whether a type may be named; sqlglot knows some of them as text alone."""
    from sqlglot import exp

    if kind.this == exp.DType.USERDEFINED:
        return str(kind.args.get("kind")).upper() in allowed.named_types
    return kind.this in allowed.types


def kind_name(node: Any) -> str:
    """What a node is, as the person would call it."""
    from sqlglot import exp

    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return type(node).__name__.upper()


def function_name(node: Any) -> str:
    """The name in small letters of a function that is left as it is written; empty for others."""
    from sqlglot import exp

    if not isinstance(node, exp.Anonymous) or not isinstance(node.this, str):
        return ""
    return node.this.lower()


def _unlisted(node: Any, allowed: Meanings) -> Refused:
    """The refusal of a part; where it is a function of its own class, by that function's name."""
    from sqlglot import exp

    if isinstance(node, exp.Func):
        name = node.sql_name().lower()
        if name in allowed.refused:
            return refused_function(name, allowed.refused[name])
    return Refused(say("{name} is not on the list of what a query may hold.", name=kind_name(node)))


def _check_function(node: Any, allowed: Meanings) -> None:
    name = function_name(node)  # empty where the name was quoted
    if name in allowed.refused:
        raise refused_function(name, allowed.refused[name])
    if not allowed.allows(name):
        raise unknown_function(name or node.name, sorted(allowed.reads))
    patterns = [part.name for part in node.expressions if part.is_string]
    if name in FORMATS and any(GIVEN_WIDTH.search(pattern) for pattern in patterns):
        raise Refused(
            "A format takes a width from its arguments: its text can have any length.",
            "Write the width into the format.",
        )


def _check_arguments(node: Any, allowed: Meanings) -> None:
    names = allowed.arguments.get(type(node))
    if names is None:
        return
    for name, value in node.args.items():
        if value and name not in names:
            raise Refused(
                say(
                    "{kind} may not have {part} here.",
                    kind=type(node).__name__.upper(),
                    part=name.strip("_"),
                )
            )
