"""A question -> one SELECT through the guard -> a table, computed findings and a chart, as a stream of events."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.data.prompting import cannot, fill, read_sql, sql_messages
from agents.data.wording import KnownNumbers, only_known_numbers
from agents.data.writer import TEMPERATURES, Writer, find_writer
from agents.databases.analyst import EMPTY, findings, markdown_table
from agents.databases.charts import chart
from agents.databases.database import QueryFailed
from agents.databases.guard.guard import Verdict
from agents.databases.guard.names import Refused
from agents.databases.guard.repair import Mender
from agents.databases.introspect import load_schema
from agents.databases.linking import link
from agents.databases.notes import Notes, load_notes
from agents.databases.prompt_text import alike, nearest_pairs
from agents.databases.runner import BEAT, Result, begin
from agents.databases.schema import Schema
from agents.databases.sources import Source, find_source
from workbench.chat.conversations import Turn
from workbench.chat.events import Chart, Done, Event, Query, Table, Thought, Token
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.language import language_of
from workbench.models.names import NONE, describe_model, load_chat_model, pick_model, within_context
from workbench.models.reasoning import split_stream
from workbench.models.stream import ask_model
from workbench.settings import Settings

ROUNDS = 2  # of asking the model again
CONTEXT = 4  # questions before that a follow-up may lean on
SAME_QUESTION = 0.8  # from here on a verified question counts as the one that was asked
NO_MODEL = {
    "en": "No language model is connected, so no query could be written for “{source}”. Start Ollama (`ollama pull "
    "qwen3:4b`) or see `workbench doctor`; questions with a verified query are answered without one. {known}",
    "zh": "尚未连接语言模型，无法为数据源“{source}”编写查询。启动 Ollama（`ollama pull qwen3:4b`）或运行 `workbench doctor`；"
    "已有核实查询的问题无需模型即可回答。{known}",
}
KNOWN = {"en": "Those of this source: {questions}.", "zh": "此数据源的这类问题：{questions}。"}
READ_ONLY = {
    "en": "Data is only read here: nothing was changed, and nothing will be. ({problem})",
    "zh": "这里只能查询数据：没有、也不会做任何更改。（{problem}）",
}
CHANGES = re.compile(
    r"^\W*(please )?(delete|drop|remove|truncate|insert|update|alter)\b|删除|删掉|清空|插入|改成|修改",
    re.I,
)
UNCHANGED = {
    "en": "Data is only read here: nothing was changed.",
    "zh": "这里只能查询数据：没有做任何更改。",
}
WRITTEN = {
    "en": "The query was written by {writer}, a small model tuned on questions about this database. It sees neither the "
    "tables nor this chat: check the query.",
    "zh": "查询由 {writer} 编写：一个只针对此数据库问题微调的小模型，它看不到表结构和对话内容，请核对查询。",
}
DECLINED = {
    "en": "“{source}” is answered by {writer}, a small model tuned on questions about it, and this question is not one that it "
    "was made for: {reason} It answers questions such as: {questions}. For others connect a language model.",
    "zh": "“{source}”由针对它微调的小模型 {writer} 回答，而这个问题不在它的能力范围内：{reason}它能回答的问题例如：{questions}。"
    "其他问题请连接语言模型。",
}
CANNOT = {
    "en": "The tables of “{source}” do not answer this: {reason}",
    "zh": "“{source}”中的表无法回答这个问题：{reason}",
}
GAVE_UP = {
    "en": "No query for this question could be run on “{source}”. The last attempt failed: {problem}",
    "zh": "没有得到能在“{source}”上运行的查询。最后一次失败的原因：{problem}",
}
AGAIN = {
    "en": "This query cannot run: {problem} {fix}\nWrite the corrected query, one SELECT only.",
    "zh": "这条查询无法运行：{problem} {fix}\n请写出修正后的查询，只写一条 SELECT。",
}
WHOLE = {
    "en": "Question and table names share no language here, so the whole schema was given to the model.",
    "zh": "问题与表结构的语言不同，因此已把整个表结构交给模型。",
}
MENDED = {"en": "Corrected in the query: {changes}.", "zh": "已更正查询中的名称：{changes}。"}
MORE = {"en": "Only the first {rows} rows.", "zh": "仅显示前 {rows} 行。"}


@dataclass
class Asked:
    """What one answer works with."""

    question: str
    language: str
    source: Source
    schema: Schema
    notes: Notes
    settings: Settings
    model: str
    writer: str = ""  # the source's own, once it has written the query that is answered with
    remarks: list[str] = field(
        default_factory=list
    )  # what is said below the table about how it came about


def answer_from_data(
    question: str, history: Sequence[Turn], settings: Settings, verified: bool = True
) -> Iterator[Event]:
    """Query, table, findings and chart, then Done. Closing the iterator stops the query on the server.

    Verified pairs answer their questions unless `verified` is False, as when a model is measured.
    """
    begun = time.monotonic()
    source = find_source(settings, settings.source)
    name = pick_model(settings)
    lineage: dict[str, Any] = {"source": source.name, "dialect": source.dialect}
    if name != NONE:
        model = describe_model(name, settings)
        settings = within_context(model, settings)
        lineage |= {"model": name, "digest": model.digest}
    schema = load_schema(source, settings)
    asked = Asked(
        question,
        language_of(question),
        source,
        schema,
        load_notes(source, settings),
        settings,
        name,
    )
    if not (verified and not history and (yield from _from_pairs(asked, lineage))):
        yield from _answer(asked, history, lineage)
    yield Done(asked.writer or name, time.monotonic() - begun, 0, lineage)


def _from_pairs(asked: Asked, lineage: dict[str, Any]) -> Generator[Event, None, bool]:
    """The answer by the query of a verified pair; whether one asks the same."""
    pair = next(iter(nearest_pairs(asked.question, asked.notes.pairs)), None)
    if pair is None or alike(asked.question, pair["question"]) < SAME_QUESTION:
        return False
    lineage["verified_question"] = pair["question"]
    yield from _run(asked, pair["sql"])
    return True


def _answer(asked: Asked, history: Sequence[Turn], lineage: dict[str, Any]) -> Iterator[Event]:
    """By the source's own writer, else by the chat model, else the reason why there is no answer."""
    declined = ""
    if asked.notes.writer and not (declined := (yield from _ask_writer(asked, lineage))):
        return
    if asked.model == NONE and CHANGES.search(asked.question):
        yield Token(UNCHANGED[asked.language] + " ")
    if asked.model == NONE and declined:
        yield Token(declined)
        return
    if asked.model == NONE:
        questions = "; ".join(known["question"] for known in asked.notes.pairs[:5])
        known = KNOWN[asked.language].format(questions=questions) if questions else ""
        yield Token(NO_MODEL[asked.language].format(source=asked.source.name, known=known).strip())
        return
    yield from _write_and_run(asked, history, lineage)


def _ask_writer(asked: Asked, lineage: dict[str, Any]) -> Generator[Event, None, str]:
    """The answer by the source's own writer; returns why there is none, with what it can be asked, or nothing."""
    name, examples = asked.notes.writer, [pair["question"] for pair in asked.notes.pairs[:4]]
    try:
        writer = find_writer(name, asked.settings)
        examples = writer.examples(asked.question) or examples
        reason = writer.doubts(asked.question) or (yield from _run_written(asked, writer))
    except (Refused, QueryFailed, NotFound, Unavailable) as error:
        reason = f"{error.problem} "
    if not reason:
        lineage |= writer.lineage
        return ""
    return DECLINED[asked.language].format(
        source=asked.source.name, writer=name, reason=reason, questions="; ".join(examples)
    )


def _run_written(asked: Asked, writer: Writer) -> Generator[Event, None, str]:
    """Let the writer write until query and question agree, and run that; returns what speaks against its first query."""
    first = ""
    for temperature in TEMPERATURES:
        settings = writer.settings.model_copy(update={"temperature": temperature})
        text = yield from _listen(writer.messages(asked.question), writer.name, settings)
        sql = Mender(asked.schema).mend(read_sql(text))
        reason = cannot(text) or writer.disagrees(asked.question, sql, asked.schema)
        if not reason:
            asked.remarks.append(WRITTEN[asked.language].format(writer=writer.name))
            asked.writer = writer.name
            yield from _run(asked, sql)
            return ""
        first = first or reason
    return first


def _write_and_run(
    asked: Asked, history: Sequence[Turn], lineage: dict[str, Any]
) -> Iterator[Event]:
    """Ask the model for a query and run it; at most twice again with what was wrong with it."""
    before = [turn.content for turn in history if turn.role == "user"][-CONTEXT:]
    wanted = " ".join([*before, asked.question])
    linked = link(wanted, asked.schema, asked.settings)
    lineage["tables"] = list(linked.schema.by_name)
    if not linked.spans:
        asked.remarks.append(WHOLE[asked.language])
        lineage["whole_schema"] = True
    messages = sql_messages(
        asked.question, linked.schema, asked.notes.pairs, history, asked.settings
    )
    problem: InvalidInput | None = None
    for _ in range(1 + ROUNDS):
        text = yield from _listen(messages, asked.model, asked.settings)
        if reason := cannot(text):
            yield Token(CANNOT[asked.language].format(source=asked.source.name, reason=reason))
            return
        sql = read_sql(text)
        try:
            yield from _run(asked, sql)
            return
        except (Refused, QueryFailed) as error:
            problem = error
        if isinstance(problem, QueryFailed) and _has_changed(asked):
            linked = link(wanted, asked.schema, asked.settings)
            messages = sql_messages(
                asked.question, linked.schema, asked.notes.pairs, history, asked.settings
            )
        again = AGAIN[asked.language].format(problem=problem.problem, fix=problem.fix)
        messages = [*messages, ("assistant", sql), ("user", again)]
    assert problem is not None
    if problem.problem.startswith("Only a SELECT may run"):
        yield Token(READ_ONLY[asked.language].format(problem=problem.problem))
        return
    gave_up = GAVE_UP[asked.language].format(source=asked.source.name, problem=problem.problem)
    raise InvalidInput(gave_up, problem.fix) from problem


def _has_changed(asked: Asked) -> bool:
    """Read the schema again after a failure; whether it is another one than was known."""
    fresh = load_schema(asked.source, asked.settings, refresh=True)
    changed, asked.schema = fresh != asked.schema, fresh
    return changed


def _listen(
    messages: list[tuple[str, str]], model: str, settings: Settings
) -> Generator[Event, None, str]:
    """The model's thinking as events; returns its answer."""
    text, shown = "", time.monotonic()
    pieces = ask_model(load_chat_model(model, settings), messages, model, settings)
    for event in split_stream(pieces):
        if isinstance(event, Thought):
            yield event
            continue
        text += event.text
        if time.monotonic() - shown > BEAT:
            shown = time.monotonic()
            yield Thought("")  # lets Stop through
    return text


def _run(asked: Asked, sql: str) -> Iterator[Event]:
    """The query's events; raises Refused or QueryFailed before the first of them."""
    mender = Mender(asked.schema)
    sql = mender.mend(sql)
    running = begin(sql, asked.schema, asked.source, asked.settings)
    for _ in running.wait():
        yield Thought("")  # lets Stop through, which stops the query on the server
    result = running.result()
    if mender.changes:
        asked.remarks.append(MENDED[asked.language].format(changes=", ".join(mender.changes)))
    yield from _show(asked, running.verdict, result)


def _show(asked: Asked, verdict: Verdict, result: Result) -> Iterator[Event]:
    """Table first, then what can be said about it."""
    yield Query(verdict.sql, asked.schema.dialect, asked.source.name)
    if not result.rows:
        yield Token(EMPTY[asked.language])
        return
    table = markdown_table(result.columns, result.rows)
    yield Token(table)
    yield Table(result.columns, result.rows, result.truncated)
    if result.truncated:
        asked.remarks.insert(0, MORE[asked.language].format(rows=len(result.rows)))
    if asked.remarks:
        yield Token("\n" + "".join(f"*{remark}*\n" for remark in asked.remarks))
    if drawing := chart(result.columns, result.rows):
        yield Chart(drawing)
    yield Token("\n")
    partial = result.truncated or (verdict.more is None and len(result.rows) >= verdict.limit)
    lines = findings(result.columns, result.rows, partial, asked.language)
    if asked.model == NONE or not lines:
        yield Token("\n".join(f"- {line}" for line in lines))
    else:
        yield from _worded(asked, result, table, lines)


def _worded(asked: Asked, result: Result, table: str, lines: list[str]) -> Iterator[Event]:
    """The model's wording of the findings, without any number that is not in them; the findings where nothing stays."""
    prompt = fill(
        f"analyst_{asked.language}.md",
        question=asked.question,
        findings="\n".join(f"- {line}" for line in lines),
        table=re.sub(r"</?result>", "", table),  # a cell cannot close the fence around it
    )
    known = KnownNumbers(asked.question, result.columns, result.rows, lines, len(result.rows))
    model = load_chat_model(asked.model, asked.settings)
    pieces = ask_model(model, [("user", prompt)], asked.model, asked.settings)
    said = False
    for event in only_known_numbers(split_stream(pieces), known, asked.language):
        said = said or (
            isinstance(event, Token)
            and len(event.text.strip()) > 10
            and not event.text.startswith("\n\n*")
        )
        yield event
    if not said:
        yield Token("\n\n" + "\n".join(f"- {line}" for line in lines))
