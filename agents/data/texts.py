"""What the data agent says of its own, in English and Chinese; each sentence is one function.

An answer is written in the language of its question, whichever language the page has. So these
are not translated by a page: both languages stand here.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.contributions import chinese
from workbench.language import localized
from workbench.messages import translate


def in_language(message: str, language: str) -> str:
    """An error's sentence in the answer's language."""
    return translate(message, chinese()) if language == "zh" else message


# Notices: what a person should know about an answer.


def first_rows_only(language: str, rows: int) -> str:
    return localized(language, f"Only the first {rows} rows.", f"仅显示前 {rows} 行。")


def recursion_is_bounded(language: str, rows: int) -> str:
    return localized(
        language,
        f"A recursion is read up to {rows:,} rows: of a longer one the rest is missing here.",
        f"递归最多读取 {rows:,} 行：更长的递归，其余部分不在此结果中。",
    )


def written_by(language: str, writer: str) -> str:
    return localized(
        language,
        f"The query was written by {writer}, a small model tuned on questions about this database. "
        "It sees neither the tables nor this chat: check the query.",
        f"查询由 {writer} 编写：一个只针对此数据库问题微调的小模型，"
        "它看不到表结构和对话内容，请核对查询。",
    )


def whole_schema_given(language: str) -> str:
    return localized(
        language,
        "Question and table names share no language here, "
        "so the whole schema was given to the model.",
        "问题与表结构的语言不同，因此已把整个表结构交给模型。",
    )


def queries_agree(language: str, written: int) -> str:
    agreed = localized(
        language,
        "Two queries, written apart from each other, agree on this result.",
        "分别编写的两条查询得到了相同的结果。",
    )
    if written == 2:
        return agreed
    return localized(
        language,
        f"{agreed} Of {written} that were written, at least one differs.",
        f"{agreed}共编写了 {written} 条，其中至少一条与之不同。",
    )


def no_query_agrees(language: str, written: int) -> str:
    return localized(
        language,
        f"{written} queries were written for this question, and no two agree. "
        "This is the first one's result: check the query.",
        f"为这个问题编写了 {written} 条查询，没有两条结果相同。这里是第一条的结果，请核对查询。",
    )


def names_corrected(language: str, changes: Sequence[str]) -> str:
    listed = ", ".join(changes)
    return localized(
        language, f"Corrected in the query: {listed}.", f"已更正查询中的名称：{listed}。"
    )


def sentences_left_out(language: str, count: int) -> str:
    return localized(
        language,
        f"Left out of the model's text, because of numbers that are not in the result: {count}.",
        f"模型的文字中有 {count} 处因包含结果里没有的数字而被删去。",
    )


# Answers without a result.


def no_model(language: str, source: str) -> str:
    return localized(
        language,
        f"No language model is connected, so no query could be written for “{source}”. "
        "Start Ollama (`ollama pull qwen3:4b`) or see `workbench doctor`; "
        "questions with a verified query are answered without one.",
        f"尚未连接语言模型，无法为数据源“{source}”编写查询。"
        "启动 Ollama（`ollama pull qwen3:4b`）或运行 `workbench doctor`；"
        "已有核实查询的问题无需模型即可回答。",
    )


def nothing_changed(language: str) -> str:
    return localized(
        language,
        "Data is only read here: nothing was changed.",
        "这里只能查询数据：没有做任何更改。",
    )


def only_reads(language: str, problem: str) -> str:
    problem = in_language(problem, language)
    return localized(
        language,
        f"Data is only read here: nothing was changed, and nothing will be. ({problem})",
        f"这里只能查询数据：没有、也不会做任何更改。（{problem}）",
    )


def no_table_answers(language: str, source: str, reason: str) -> str:
    """`reason` is the model's own."""
    return localized(
        language,
        f"The tables of “{source}” do not answer this: {reason}",
        f"“{source}”中的表无法回答这个问题：{reason}",
    )


def writer_declines(language: str, source: str, writer: str, reason: str) -> str:
    """Why the source's writer gives no query."""
    return localized(
        language,
        f"“{source}” is answered by {writer}, a small model tuned on questions about it, and this "
        f"question is not one that it was made for: {reason.strip()} "
        "Connect a language model for such questions.",
        f"“{source}”由针对它微调的小模型 {writer} 回答，而这个问题不在它的能力范围内："
        f"{reason.strip()}这类问题请连接语言模型。",
    )


def never_taught(language: str, words: str) -> str:
    return localized(language, f"it was never taught {words}.", f"它没有学过{words}。")


def disagrees_on(language: str, words: str) -> str:
    return localized(
        language,
        f"its query and the question do not agree on {words}.",
        f"它写的查询与问题在{words}上不一致。",
    )


def quoted(language: str, words: Sequence[str]) -> str:
    """The words in quotation marks, as a list."""
    marked = [f"“{word}”" for word in words]
    return localized(language, ", ".join(marked), "、".join(marked))


# What a model is told.


def try_again(language: str, problem: str, fix: str) -> str:
    return localized(
        language,
        f"This query cannot run: {problem} {fix}\nWrite the corrected query, one SELECT only.",
        f"这条查询无法运行：{problem} {fix}\n请写出修正后的查询，只写一条 SELECT。",
    )
