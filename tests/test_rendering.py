"""A chat template that runs on, grows or calculates too much ends with a clear error."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tiny_models import make_tokenizer

from deploy.template import read_format
from finetune.data.examples import Message
from finetune.encoding.chat_template import render
from workbench.errors import InvalidInput
from workbench.models import rendering
from workbench.models.chat_format import fit_prompt
from workbench.models.tool_calls import form_of_calls

TURNS = [{"role": "user", "content": "How are you?"}]
LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
CALLS = "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
DOUBLED = (
    "{% set n = namespace(s='x' * 1000000) %}{% for a in range(60) %}"
    "{% set n.s = n.s ~ n.s %}{% endfor %}"
)
GROWN = (
    "{% set n = namespace(all=[]) %}{% for a in range(99999) %}"
    "{% set n.all = n.all + [('x' * 100000) ~ a] %}{% endfor %}"
)
ENDLESS = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"
POWERS = "{% generation %}{{ 9**9**9 }}{% endgeneration %}"
LONG = "{{ 'x' * 20000001 }}"
# name -> (the template, a word of the error)
BOMBS = {
    "loops": (LOOPS, "seconds"),
    "calls": (CALLS, "seconds"),
    "doubled": (DOUBLED, "memory|MemoryError"),
    "grown": (GROWN, "memory"),
    "endless": (ENDLESS, "RecursionError"),
    "powers": (POWERS, "powers"),
    "long": (LONG, "too long a text"),
    "too much at once": ("{{ 'x' * 99999999999999 }}", "MemoryError"),
    "long template": ("x" * 2_000_000, "template is too long"),
}


@pytest.fixture(scope="module")
def words() -> Any:
    return make_tokenizer(["How are you? Well."], 300)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_template_that_runs_on_is_ended(
    bomb: str, words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    template, told = BOMBS[bomb]
    monkeypatch.setattr(rendering, "SECONDS", 0.2 if told == "seconds" else 30)
    monkeypatch.setattr(rendering, "MEMORY", 200_000_000)
    monkeypatch.setattr(words, "chat_template", template)
    with pytest.raises(InvalidInput, match=told) as caught:
        rendering.render_template(words, TURNS)
    assert caught.value.fix


def test_every_way_to_a_template_is_limited(words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SECONDS", 0.1)
    monkeypatch.setattr(words, "chat_template", LOOPS)
    ways = [
        lambda: fit_prompt(words, TURNS, 100),
        lambda: form_of_calls(words),
        lambda: read_format(words),
        lambda: render([Message("user", "a")], [], words),
    ]
    for way in ways:
        with pytest.raises(InvalidInput, match="seconds"):
            way()


def test_a_slow_template_ends_alone(words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SECONDS", 0.3)
    slow = make_tokenizer(["a"], 300)
    slow.chat_template = LOOPS
    ended: list[str] = []

    def run() -> None:
        try:
            rendering.render_template(slow, TURNS)
        except InvalidInput as error:
            ended.append(error.problem)

    other = threading.Thread(target=run)
    other.start()
    texts = set()
    while other.is_alive():
        texts.add(rendering.render_template(words, TURNS, add_generation_prompt=True))
    assert len(ended) == 1
    expected = words.apply_chat_template(TURNS, add_generation_prompt=True, tokenize=False)
    assert texts == {expected}
    tokens = words.apply_chat_template(
        TURNS, add_generation_prompt=True, return_tensors="np", return_dict=True
    )
    assert (fit_prompt(words, TURNS, 100, "np")["input_ids"] == tokens["input_ids"]).all()
