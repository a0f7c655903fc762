"""Only answers and the ends of their turns are learned, under every family of chat template."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from chat_templates import ENDS, FAMILIES, PLAIN, TRL, template_of, tokenizer_of

from finetune.data.dataset import Example, Message
from finetune.encoding.masking import (
    IGNORED,
    check_lengths,
    encode,
    encode_all,
    learned_texts,
    preview,
)
from workbench.errors import InvalidInput

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a town",
        "parameters": {
            "type": "object",
            "properties": {"town": {"type": "string", "description": "its name"}},
        },
    },
}
CHAT = Example(
    (
        Message("system", "Answer in one sentence."),
        Message("user", "Where does Lan live?"),
        Message("assistant", "Lan lives in Yunzhou 🏮."),
        Message("user", "她是谁？"),
        Message("assistant", "她是信使。"),
    )
)
TOOLS = Example(
    (
        Message("user", "How is the weather in Bern and in 上海?"),
        Message("assistant", "", ({"name": "get_weather", "arguments": {"town": "Bern"}},)),
        Message("tool", '{"sky": "rain"}'),
        Message("assistant", "", ({"name": "get_weather", "arguments": {"town": "上海"}},)),
        Message("tool", '{"sky": "晴"}'),
        Message("assistant", "Rain in Bern, sun in 上海."),
    ),
    (WEATHER,),
)
THINKING = Example(
    (
        Message("user", "Two and two?"),
        Message("assistant", "<think>\nTwo more than two.\n</think>\n\nFour."),
        Message("user", "And three?"),
        Message("assistant", "<think>\nThree more than four.\n</think>\n\nSeven."),
    )
)


@cache
def tokenizer(family: str) -> Any:
    texts = [message.content for example in (CHAT, TOOLS, THINKING) for message in example.messages]
    return tokenizer_of(family, texts)


def learned(example: Example, family: str) -> list[str]:
    """What is learned of an example, answer by answer in the order they are said."""
    words = tokenizer(family)
    rows = encode_all([example], words).rows
    return [text for row in reversed(rows) for text in learned_texts(row, words)]


def bare(text: str) -> str:
    """Without special tokens, gpt-oss's channel and an empty block of thinking."""
    text = re.sub(r"<\|channel\|>final<\|message\|>", "", text)
    text = re.sub(r"<[|｜][^<>|｜]+[|｜]>|<end_of_turn>|</s>", "", text)
    return re.sub(r"^\s*(<think>)?\s*</think>", "", text).strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_exactly_the_answers_are_learned(family: str) -> None:
    found = learned(CHAT, family)
    assert [bare(text) for text in found] == ["Lan lives in Yunzhou 🏮.", "她是信使。"]
    assert found[-1].endswith(ENDS[family]), "a model that never learns to stop rambles"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_system_prompt_is_seen_and_not_learned(family: str) -> None:
    words = tokenizer(family)
    for row in encode_all([CHAT], words).rows:
        assert "Answer in one sentence." in words.decode(row.input_ids)
    assert not any("one sentence" in text for text in learned(CHAT, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_are_learned_and_results_are_not(family: str) -> None:
    found = learned(TOOLS, family)
    assert len(found) == 3
    for text, town in zip(found, ("Bern", "上海"), strict=False):
        assert "get_weather" in text and town in text
        assert "rain" not in text and "晴" not in text
    assert bare(found[2]) == "Rain in Bern, sun in 上海."
    words = tokenizer(family)
    seen = words.decode(encode(TOOLS, words).input_ids)
    assert "Weather of a town" in seen and "rain" in seen


@pytest.mark.parametrize("family", FAMILIES)
def test_thinking_is_learned_even_where_the_template_takes_it_away(family: str) -> None:
    found = learned(THINKING, family)
    assert len(found) == 2
    for text, thought, answer in zip(
        found, ("more than two", "more than four"), ("Four.", "Seven."), strict=True
    ):
        assert text.count(thought) == 1
        assert text.index(thought) < text.index(answer)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stands_before_an_answer_is_the_prompt_that_the_model_will_see(family: str) -> None:
    if family in ("mistral", "gemma", "glm4"):
        asked = [{"role": "user", "content": "Answer in one sentence.\n\nWhere does Lan live?"}]
        example = Example((Message("user", asked[0]["content"]), CHAT.messages[2]))
    else:
        asked = [
            {"role": message.role, "content": message.content} for message in CHAT.messages[:2]
        ]
        example = Example(CHAT.messages[:3])
    words = tokenizer(family)
    row = encode(example, words)
    begin = next(place for place, label in enumerate(row.labels) if label != IGNORED)
    prompt = words.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    assert row.input_ids[:begin] == prompt


def test_a_template_that_rewrites_earlier_turns_teaches_each_turn_as_it_was_said() -> None:
    words = tokenizer("deepseek_r1_distill")
    rows = encode_all([THINKING], words).rows
    assert len(rows) == 2
    assert "more than two" not in words.decode(rows[0].input_ids), "the history shows no thinking"
    assert learned_texts(rows[0], words)[0].startswith("Three more than four.\n</think>\n\nSeven.")
    assert len(encode_all([THINKING], tokenizer("chatml")).rows) == 1


def test_a_prompt_that_opens_the_thinking_is_answered_by_closing_it() -> None:
    assert learned(Example(CHAT.messages[:3]), "deepseek_r1_distill") == [
        "\n</think>\n\nLan lives in Yunzhou 🏮.<｜end▁of▁sentence｜>"
    ]


def test_glm_learns_the_role_that_takes_over_as_the_end_of_its_turn() -> None:
    assert learned(CHAT, "glm4") == [
        "\nLan lives in Yunzhou 🏮.<|user|>",
        "\n她是信使。<|endoftext|>",
    ]


def test_glue_after_the_end_of_a_turn_is_not_learned() -> None:
    assert learned(CHAT, "chatml") == ["Lan lives in Yunzhou 🏮.<|im_end|>", "她是信使。<|im_end|>"]
    assert learned(CHAT, "phi3") == ["Lan lives in Yunzhou 🏮.<|end|>", "她是信使。<|end|>"]


def test_a_turn_that_the_template_does_not_begin_is_begun_by_the_model() -> None:
    words = tokenizer_of("chatml", [message.content for message in CHAT.messages])
    words.chat_template = PLAIN
    assert learned_texts(encode(CHAT, words), words) == [
        "### assistant\nLan lives in Yunzhou 🏮.\n\n",
        "### assistant\n她是信使。<|endoftext|>",
    ]


def test_an_answer_of_weight_zero_is_context_only() -> None:
    first, last = CHAT.messages[2], CHAT.messages[4]
    example = Example(
        (*CHAT.messages[:2], Message("assistant", first.content, learned=False), *CHAT.messages[3:])
    )
    assert [bare(text) for text in learned(example, "chatml")] == [last.content]


def test_labels_are_the_tokens_themselves_or_ignored() -> None:
    words = tokenizer("qwen2_5")
    row = encode(CHAT, words)
    assert len(row.labels) == len(row.input_ids)
    assert all(
        label in (IGNORED, token) for token, label in zip(row.input_ids, row.labels, strict=True)
    )
    rows = preview(row, words)
    assert "".join(text for text, label, taught in rows if taught).count("<|im_end|>") == 2
    assert all(taught == (label != IGNORED) for _, label, taught in rows)


def test_a_token_across_the_border_of_prompt_and_answer_is_cut_in_two() -> None:
    words = tokenizer_of("chatml", ["a\n\n\nb\n\n\nc " * 20])
    example = Example((Message("user", "b"), Message("assistant", "\n\na")))
    whole = words.encode("<|im_start|>assistant\n\n\na")
    assert words.encode("\n\n\n")[0] in whole, "the tokenizer joins the three newlines"
    row = encode(example, words)
    assert learned_texts(row, words) == ["\n\na<|im_end|>"]
    assert words.decode(row.input_ids).endswith("<|im_start|>assistant\n\n\na<|im_end|>")


def test_a_tokenizer_without_offsets_gives_the_same_labels() -> None:
    from transformers import ByT5Tokenizer

    from finetune.encoding.chat_template import CHATML

    words = ByT5Tokenizer(extra_ids=0, additional_special_tokens=["<|im_start|>", "<|im_end|>"])
    assert not words.is_fast
    words.chat_template = CHATML
    assert learned_texts(encode(CHAT, words), words) == learned(CHAT, "chatml")


def test_what_is_too_long_is_cut_and_said() -> None:
    words = tokenizer("chatml")
    whole = encode(CHAT, words)
    cut = encode(CHAT, words, len(whole.input_ids) - 3)
    assert cut.truncated and len(cut.input_ids) == len(whole.input_ids) - 3
    assert not encode(CHAT, words, len(whole.input_ids)).truncated
    first = next(place for place, label in enumerate(whole.labels) if label != IGNORED)
    found = encode_all([CHAT], words, first)
    assert not found.rows and len(found.nothing_left) == 1 and found.truncated == [CHAT.where]
    problems, tokens = check_lengths([CHAT], words, first)
    assert len(problems) == 1 and str(len(whole.input_ids)) in problems[0].problem
    assert tokens == {
        "all": len(whole.input_ids),
        "learned": whole.learned,
        "longest": len(whole.input_ids),
    }


def test_a_template_of_its_own_for_tools_is_used() -> None:
    words = tokenizer_of("chatml", [message.content for message in TOOLS.messages])
    words.chat_template = {"default": template_of("chatml"), "tool_use": template_of("qwen2_5")}
    assert "# Tools" in words.decode(encode(TOOLS, words).input_ids)
    assert "# Tools" not in words.decode(encode(CHAT, words).input_ids)
    assert [bare(text) for text in learned_texts(encode(CHAT, words), words)] == [
        "Lan lives in Yunzhou 🏮.",
        "她是信使。",
    ]


def test_a_tokenizer_without_a_template_is_refused() -> None:
    words = tokenizer_of("chatml", ["a"])
    words.chat_template = None
    with pytest.raises(InvalidInput, match="no chat template"):
        encode(CHAT, words)


def test_a_template_that_hides_the_question_is_refused() -> None:
    words = tokenizer_of("chatml", ["a"])
    words.chat_template = (
        "{% for turn in messages if turn['role'] == 'assistant' %}"
        "{{ turn['content'] + '<|im_end|>' }}{% endfor %}"
    )
    with pytest.raises(InvalidInput, match="leaves out"):
        encode(CHAT, words)


def test_the_templates_of_trl_are_those_that_were_tested() -> None:
    assert len(FAMILIES) == len(ENDS) == len(TRL) + 3
