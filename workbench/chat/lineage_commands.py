"""`workbench chats answers|lineage|why`: what answers rest on, and why they changed."""

from __future__ import annotations

import click

from workbench.chat.conversations import Conversations, Message, exchanges
from workbench.chat.lineage import fact_name, in_words, lineage_of
from workbench.chat.why import why_changed
from workbench.cli import json_option, print_json, reports_errors
from workbench.contributions import mode_name
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import load_settings

SHOWN = 80  # characters of an answer in a list


@click.command()
@click.argument("message", type=int)
@json_option
@reports_errors
def lineage(message: int, as_json: bool) -> None:
    """What an answer rests on: model, collection, passages, query, settings and so on.

    MESSAGE is the number of an answer, which `chats answers` lists.

    \b
    Example:
      workbench chats lineage 42
    """
    answer = _answer(message)
    facts = lineage_of(answer)
    if as_json:
        print_json({"event": "done", "message": answer.id, "lineage": facts})
        return
    for key, value in facts.items():
        click.echo(f"{fact_name(key, 'en')}: {in_words(key, value, 'en')}")


@click.command()
@click.argument("before", type=int)
@click.argument("after", type=int)
@json_option
@reports_errors
def why(before: int, after: int, as_json: bool) -> None:
    """Why the answer AFTER differs from the answer BEFORE: what it rests on that changed.

    \b
    Example:
      workbench chats why 42 58
    """
    old, new = _answer(before), _answer(after)
    found = why_changed(old, new, lambda mode: mode_name(mode, "en"))
    if as_json:
        print_json(
            {
                "event": "done",
                "before": old.id,
                "after": new.id,
                "same_text": found.same_text,
                "changed": found.changed,
                "why": found.sentences,
            }
        )
        return
    for sentence in found.sentences:
        click.echo(sentence)


@click.command()
@click.argument("chat", type=int)
@json_option
@reports_errors
def answers(chat: int, as_json: bool) -> None:
    """The answers of a chat with their numbers, and the versions of each.

    \b
    Example:
      workbench chats answers 12
    """
    conversations = _conversations()
    conversations.conversation(chat)
    for question, given in exchanges(conversations.messages(chat)):
        for answer in given:
            if as_json:
                print_json(
                    {
                        "message": answer.id,
                        "question": question.content,
                        "agent": answer.agent,
                        "versions": answer.versions,
                        "text": answer.content,
                    }
                )
            else:
                click.echo(f"{answer.id:>6}  {answer.agent:<10}  {_one_line(answer.content)}")


def _answer(number: int) -> Message:
    """The answer of that number. Raises NotFound, InvalidInput for a question."""
    message = _conversations().message(number)
    if message.role != "assistant":
        raise InvalidInput(
            say("Message {number} is a question.", number=number),
            say(
                "See the numbers of answers: workbench chats answers {chat}",
                chat=message.conversation,
            ),
        )
    return message


def _one_line(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= SHOWN else short[: SHOWN - 1] + "…"


def _conversations() -> Conversations:
    return Conversations(load_settings().database)
