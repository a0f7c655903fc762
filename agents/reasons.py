"""Why a question goes to an agent, in one line, in the language of the question.

The line stands beside the answer, so a page in another language does not translate it.
"""

from __future__ import annotations

from workbench.language import localized


def you_chose(language: str) -> str:
    return localized(language, "you chose it", "由你指定")


def sent_before(language: str) -> str:
    return localized(language, "you sent this question here before", "你之前选择由它回答这个问题")


def has_this_question(language: str) -> str:
    return localized(language, "it has this very question", "其中正好有这个问题")


def goes_on(language: str) -> str:
    return localized(language, "it goes on from the last answer", "这是接着上一个回答问的")


def nothing_added(language: str) -> str:
    return localized(language, "nothing has been added to answer from", "还没有添加可供回答的内容")


def courtesy(language: str) -> str:
    return localized(language, "a greeting or thanks", "这是问候或致谢")


def nothing_about_it(language: str) -> str:
    return localized(
        language,
        "no document, database or tuned model here is about it",
        "这里的文档、数据库和微调模型都与此无关",
    )


def nobody_else(language: str) -> str:
    return localized(language, "nothing else here holds it", "这里没有其他内容能回答它")


def after(language: str, former: str, reason: str) -> str:
    """`former` is the label of the agent that was asked before and had no answer."""
    return localized(
        language,
        f"{former} had no answer; now: {reason}",
        f"{former}没有答案；改为：{reason}",
    )


def people_preferred(language: str, label: str, count: int) -> str:
    """`count` judged questions around this one prefer the agent with that label."""
    return localized(
        language,
        f"people preferred {label} on {count} questions like it",
        f"在 {count} 个类似的问题上，人们更认可“{label}”的回答",
    )


def compared_better(language: str, label: str, count: int) -> str:
    """The same, where comparisons alone say so."""
    return localized(
        language,
        f"in comparisons {label} answered {count} questions like it better",
        f"对比中，“{label}”在 {count} 个类似的问题上回答得更好",
    )


def not_in_files(language: str, reason: str) -> str:
    """Files came with the question, but another asset clearly knows more of it."""
    return localized(
        language,
        f"the attached files say nothing of it; {reason}",
        f"附件中没有提到；{reason}",
    )
