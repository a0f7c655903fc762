"""An answer <-> its thinking and what it says, as reasoning models write them."""

from __future__ import annotations


def split_thinking(content: str) -> tuple[str, str]:
    """What an answer thinks and what it says."""
    before, closing, said = content.rpartition("</think>")
    if not closing:
        return "", said.strip()
    return before.replace("<think>", "", 1).strip(), said.strip()


def with_thinking(thinking: str, answer: str) -> str:
    """The inverse of `split_thinking`; an answer without thinking is left as it is."""
    if not thinking.strip():
        return answer
    return f"<think>\n{thinking.strip()}\n</think>\n\n{answer.strip()}"
