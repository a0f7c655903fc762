"""Question, schema, verified pairs, turns -> messages for a model; its text -> one statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agents.budget import newest, prompt_room
from agents.databases.prompt_text import describe_schema, nearest_pairs
from agents.databases.schema import Schema
from workbench.chat.conversations import Turn
from workbench.language import language_of, localized, tokens
from workbench.models.reasoning import answer_only, first_json
from workbench.settings import Settings

PROMPTS = Path(__file__).parent
NAMES = {"mysql": "MySQL", "postgres": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB"}
FEW = 3  # verified pairs shown
CANNOT = re.compile(r"CANNOT\s*[:：]\s*(.+)", re.S)
FENCED = re.compile(r"```(?:\w*)\s*\n?(.*?)```", re.S)
# a line that explains what stands before it: no clause of SQL begins with such a word
EXPLAINS = re.compile(
    r"\n\s*(?:(?:This|The|It|Here|Note|Explanation|In this|I|You|Please|Hope)\b(?! AS\b)"
    r"|这条|这个|该查询|此查询|上述|以上|说明|解释|注意)",
)
STATEMENT = re.compile(r"\b(SELECT|WITH)\b.*", re.S | re.I)


def fill(prompt: str, **texts: str) -> str:
    """A prompt with its marks replaced in one pass, so that no text can bring marks of its own."""
    template = (PROMPTS / prompt).read_text("utf-8")
    return re.sub(r"\{(\w+)\}", lambda mark: texts[mark[1]], template)


def sql_messages(
    question: str,
    schema: Schema,
    pairs: Sequence[dict[str, str]],
    history: Sequence[Turn],
    settings: Settings,
) -> list[tuple[str, str]]:
    """System prompt, as many of the turns before as fit, and the question."""
    language = language_of(question)
    system = fill(
        f"sql_{language}.md",
        dialect=NAMES[schema.dialect],
        rows=str(settings.query_rows),
        examples=_examples(question, pairs, language),
        schema=describe_schema(schema),
    )
    room = prompt_room(settings) - tokens(system) - tokens(question)
    turns = [(turn.role, turn.content) for turn in newest(history, room)]
    return [("system", system), *turns, ("user", question)]


def _examples(question: str, pairs: Sequence[dict[str, str]], language: str) -> str:
    """The verified pairs nearest to the question under a heading, or nothing."""
    nearest = nearest_pairs(question, pairs)[:FEW]
    if not nearest:
        return ""
    heading = localized(language, "Questions and their right queries:", "问题与正确查询示例：")
    shown = "\n".join(f"{pair['question']}\n{pair['sql']}" for pair in nearest)
    return f"\n{heading}\n{shown}\n"


def read_sql(text: str) -> str:
    """The statement in a model's text: a fenced block, a JSON object, or from SELECT or WITH on."""
    text = answer_only(text)
    fenced = FENCED.findall(text)
    if fenced:
        text = fenced[-1]
    if text.lstrip().startswith(("{", "[")):
        text = _sql_in_json(text)
    statement = STATEMENT.search(text)
    if statement:
        text = statement[0]
    text = EXPLAINS.split(text, maxsplit=1)[0]
    first = text.partition(";\n")[0]
    return first.strip().rstrip(";").strip("`").strip()


def _sql_in_json(text: str) -> str:
    """What the first object has under `sql` or `query`; the text itself where it has neither."""
    found = first_json(text)
    if isinstance(found, dict):
        for key, value in found.items():
            if key.lower() in ("sql", "query") and value:
                return str(value)
    return text


def cannot(text: str) -> str:
    """The model's reason why no query answers the question, or nothing."""
    text = answer_only(text)
    if re.search(r"(?i)\bselect\b", text):
        return ""
    match = CANNOT.search(text)
    return match[1].strip() if match else ""
