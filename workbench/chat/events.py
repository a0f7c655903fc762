"""What an answer is made of: a stream of these events, the same for page, command line and HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from workbench.messages import check_packed, read_messages, with_messages

STATES = ("done", "failed", "refused", "stopped")  # of a step


@dataclass(frozen=True)
class Routed:
    """Which agent answers, and the reason in one line for the person."""

    mode: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Thought:
    """A piece of the model's reasoning; shown folded, never part of the answer."""

    text: str


@dataclass(frozen=True)
class Token:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Text of the model that is no part of the answer, and the reason why.

    Shown folded under that reason.
    """

    text: str
    reason: str


@dataclass(frozen=True)
class Source:
    """A passage that the answer may cite as [number]."""

    number: int
    text: str
    source: str
    locator: str
    score: float
    passage_id: str
    collection: str


@dataclass(frozen=True)
class Query:
    """The statement that ran, as it ran."""

    sql: str
    dialect: str
    source: str


@dataclass(frozen=True)
class Table:
    """A result: column names and rows of JSON values."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool = False


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification with its data inside."""

    spec: dict[str, Any]


@dataclass(frozen=True)
class Calling:
    """A tool is about to run. Its `Step` of the same number follows, unless the answer is stopped.

    Where `consent` is not empty, the tool waits until a person has allowed or refused the call of
    that name; `server` is the stranger's program that would be called.
    """

    number: int
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    consent: str = ""
    server: str = ""


@dataclass(frozen=True)
class Step:
    """One call of a tool and what it returned.

    `state` is `done`, `failed` (the result says why), `refused` (the call was not made) or
    `stopped`. `events` are those of the agent that was asked, as `to_dict` gives them: its own
    sources, query and table.
    """

    number: int
    tool: str
    arguments: dict[str, Any]
    result: str
    state: str = "done"
    seconds: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)

    def own_events(self) -> list[Event]:
        """The events of the agent that was asked."""
        return [from_dict(event) for event in self.events]


@dataclass(frozen=True)
class Notice:
    """Something the person should know about the answer, which goes on after it.

    A `standing` one is about how things are, not about this answer: a page says it once a chat.
    """

    text: str
    standing: bool = False


@dataclass(frozen=True)
class Suggestions:
    """Questions that can be asked next, each as (mode of the agent that answers it, question)."""

    questions: Sequence[tuple[str, str]]

    def __post_init__(self) -> None:
        # JSON has no tuples: a stored event equals the one that was made
        pairs = tuple((mode, question) for mode, question in self.questions)
        object.__setattr__(self, "questions", pairs)


@dataclass(frozen=True)
class Declined:
    """The agent has no answer; `text` says why, in the language of the question.

    The chat seam asks the next agent instead, or passes the text on. Never stored or shown.
    """

    text: str


@dataclass(frozen=True)
class Beat:
    """Nothing new: the agent is at work, and its reader can stop it here. Never stored or shown."""


@dataclass(frozen=True)
class Waiting(Beat):
    """The question stands in a line; `place` 1 is next, and 0 says that its answer begins."""

    place: int


@dataclass(frozen=True)
class Failed:
    """What went wrong and what to do. It is the last event of an answer.

    `lineage` is what the answer rested on as far as it came, as in Done. `kind` names the error in
    the tree of `workbench.errors`, for programs; empty where it was none of these.
    """

    problem: str
    fix: str = ""
    lineage: dict[str, Any] = field(default_factory=dict)
    kind: str = field(default="", compare=False)


@dataclass(frozen=True)
class Done:
    """The answer is whole.

    `lineage` names what it rests on: its keys stand in `workbench.chat.lineage`. `tokens` are
    those that the model has made, `read` those of its prompt; where its server counts none,
    `estimated` is true and `read` is 0.
    """

    model: str
    seconds: float
    tokens: int = 0
    lineage: dict[str, Any] = field(default_factory=dict)
    generating: float = 0.0  # seconds in which the model made the tokens, 0 where unknown
    read: int = 0
    window: int = 0  # tokens that the model can hold, 0 where unknown
    estimated: bool = False


Event = (
    Routed
    | Thought
    | Token
    | Folded
    | Source
    | Query
    | Table
    | Chart
    | Calling
    | Step
    | Notice
    | Suggestions
    | Declined
    | Beat
    | Failed
    | Done
)

# the name under which a kind is stored is its class name: renaming one breaks stored answers
_KINDS: dict[str, type] = {kind.__name__.lower(): kind for kind in get_args(Event)}


def to_dict(event: Event) -> dict[str, Any]:
    """The event as plain data: its kind under "event", its translatable messages under "said"."""
    return with_messages({"event": type(event).__name__.lower(), **asdict(event)})


def from_dict(data: dict[str, Any]) -> Event:
    """The inverse of `to_dict`."""
    values = read_messages(data)
    return _KINDS[values.pop("event")](**values)


def check_event(data: dict[str, Any]) -> None:
    """Raises ValueError where data from elsewhere is not one whole event of a known kind."""
    kind = _KINDS.get(str(data.get("event")))
    if kind is None:
        raise ValueError("no such kind of event")
    given = {key: value for key, value in data.items() if key not in ("event", "said")}
    said = data.get("said", {})
    if given.keys() - {one.name for one in fields(kind)} or said.keys() - given.keys():
        raise ValueError("the event has a field that its kind has not")
    _checker(kind).validate_python(given)
    for message in said.values():
        check_packed(message)
    if kind is Step:
        _check_nested(given)
    from_dict(data)


def _check_nested(step: dict[str, Any]) -> None:
    """Raises ValueError unless the events of a step are whole ones that are no steps themselves."""
    if step.get("state", "done") not in STATES:
        raise ValueError("a step has a state that no step has")
    for event in step.get("events", []):
        if event.get("event") == "step":
            raise ValueError("a step holds another step")
        check_event(event)


@cache
def _checker(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
