"""Question, schema, verified pairs and the turns before -> the messages for a model; its text -> one statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agents.databases.schema import Column, Schema, TableSchema
from workbench.chat.conversations import Turn
from workbench.language import language_of, tokens, words
from workbench.models.reasoning import answer_only, first_json
from workbench.settings import Settings

PROMPTS = Path(__file__).parent
NAMES = {"mysql": "MySQL", "postgres": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB"}
FEW = 3  # verified pairs shown
CANNOT = re.compile(r"CANNOT\s*[:：]\s*(.+)", re.S)
SAMPLES = 3


def fill(prompt: str, **texts: str) -> str:
    """A prompt with its marks replaced in one pass, so that no text can bring marks of its own."""
    template = (PROMPTS / prompt).read_text("utf-8")
    return re.sub(r"\{(\w+)\}", lambda mark: texts[mark[1]], template)


def describe_schema(schema: Schema) -> str:
    """Tables as text: one line a column with type, meaning and a few values; keys below."""
    return "\n\n".join(_describe_table(table) for table in schema.tables)


def _describe_table(table: TableSchema) -> str:
    head = f"{table.name}{_meaning(table)}"
    lines = [_describe_column(column) for column in table.columns]
    keys = [f"  {key.column} = {key.other_table}.{key.other_column}" for key in table.foreign_keys]
    return "\n".join([head, *lines, *keys])


def _describe_column(column: Column) -> str:
    values = ", ".join(repr(sample) for sample in column.samples[:SAMPLES])
    key = " key" if column.primary else ""
    return f"  {column.name} {column.type}{key}{_meaning(column)}{f'  e.g. {values}' if values else ''}"


def _meaning(item: TableSchema | Column) -> str:
    texts = [text for text in (item.comment, item.description, ", ".join(item.synonyms)) if text]
    return f" -- {'; '.join(' '.join(text.split()) for text in texts)}" if texts else ""


def sql_messages(
    question: str,
    schema: Schema,
    pairs: list[dict[str, str]],
    history: Sequence[Turn],
    settings: Settings,
) -> list[tuple[str, str]]:
    """System prompt, as many of the turns before as fit, and the question."""
    language = language_of(question)
    shown = "\n".join(
        f"{pair['question']}\n{pair['sql']}" for pair in nearest_pairs(question, pairs)[:FEW]
    )
    heading = {"en": "Questions and their right queries:", "zh": "问题与正确查询示例："}[language]
    system = fill(
        f"sql_{language}.md",
        dialect=NAMES[schema.dialect],
        rows=str(settings.query_rows),
        examples=f"\n{heading}\n{shown}\n" if shown else "",
        schema=describe_schema(schema),
    )
    room = settings.context_tokens - settings.answer_tokens - tokens(system) - tokens(question)
    turns: list[tuple[str, str]] = []
    for turn in reversed(history):
        room -= tokens(turn.content)
        if room < 0:
            break
        turns.insert(0, (turn.role, turn.content))
    return [("system", system), *turns, ("user", question)]


def nearest_pairs(question: str, pairs: list[dict[str, str]]) -> list[dict[str, str]]:
    """The pairs that share words with the question, the most alike first."""
    scored = [(alike(question, pair["question"]), pair) for pair in pairs]
    return [pair for score, pair in sorted(scored, key=lambda item: -item[0]) if score > 0]


def alike(one: str, other: str) -> float:
    """Share of the words of both questions that they have in common, in [0, 1]."""
    left, right = set(words(one)), set(words(other))
    return len(left & right) / len(left | right) if left | right else 0.0


def read_sql(text: str) -> str:
    """The statement in a model's text: from a fenced block, a JSON object, or the text from SELECT or WITH on."""
    text = answer_only(text)
    if fenced := re.findall(r"```(?:\w*)\s*\n?(.*?)```", text, re.S):
        text = fenced[-1]
    found = first_json(text) if text.lstrip().startswith(("{", "[")) else None
    if isinstance(found, dict):
        text = next(
            (value for key, value in found.items() if key.lower() in ("sql", "query") and value),
            text,
        )
    if match := re.search(r"(?is)\b(SELECT|WITH)\b.*", text):
        text = match[0]
    return str(text).partition(";\n")[0].strip().rstrip(";").strip("`").strip()


def cannot(text: str) -> str:
    """The model's reason why no query answers the question, or nothing."""
    text = answer_only(text)
    match = CANNOT.search(text)
    return match[1].strip() if match and not re.search(r"(?i)\bselect\b", text) else ""
