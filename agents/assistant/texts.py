"""What the assistant says of its own, in the language of the question."""

from __future__ import annotations

from collections.abc import Mapping

from agents.tools.tool import Outcome
from workbench.language import localized

SHOWN = 400  # characters of a result


def stopped_by(language: str, limit: str, amount: float) -> str:
    """A limit was reached before the answer was whole."""
    words = {
        "steps": localized(language, f"after {amount:g} steps", f"已用完 {amount:g} 个步骤"),
        "seconds": localized(language, f"after {amount:g} seconds", f"已用时 {amount:g} 秒"),
        "tokens": localized(
            language, f"after {amount:,.0f} tokens", f"已用完 {amount:,.0f} 个词元"
        ),
    }
    return localized(
        language,
        f"I stopped {words[limit]}, the limit that is set, before the answer was whole.",
        f"{words[limit]}，已达到设定的上限，回答尚未完成。",
    )


def known_so_far(language: str, results: Mapping[int, Outcome]) -> str:
    """What the steps have returned, one after the other."""
    lines = []
    for number, outcome in results.items():
        if outcome.state == "done":
            lines.append(f"{number}. {shortened(outcome.text)}")
    if not lines:
        return localized(language, "No step had a result.", "没有任何步骤得到结果。")
    head = localized(language, "What the steps have found:", "各步骤的结果：")
    return head + "\n\n" + "\n\n".join(lines)


def left_out(language: str) -> str:
    """Why sentences of the model stand folded."""
    return localized(
        language,
        "Left out, because a number in it stands in no result of the steps.",
        "已略去：其中的数字不在任何步骤的结果中。",
    )


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
