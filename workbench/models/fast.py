"""A model in OpenVINO's form and its tokenizer -> a LangChain chat model that streams."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.artefacts.model_folder import (
    base_of,
    context_of,
    end_tokens,
    load_tokenizer,
    named_ends,
    tokenizer_folder,
)
from workbench.extras import quiet_transformers
from workbench.models.chat_format import Tools, Turn, fit_prompt
from workbench.models.engine import Order, load_engine
from workbench.models.local import ChatModelHere, Count, opens_thinking, room_of
from workbench.models.pieces import decode_whole


class FastChatModel(ChatModelHere):
    """`form` is the folder that OpenVINO runs, `words` that of the model: a whole one, an adapter,
    or a tokenizer with its configuration.
    """

    form: str
    words: str

    @property
    def _llm_type(self) -> str:
        return "openvino"

    def get_num_tokens(self, text: str) -> int:
        """Tokens of the text by the model's own tokenizer."""
        return len(self.load_tokenizer().encode(text, add_special_tokens=False))

    def load_tokenizer(self) -> Any:
        """The tokenizer of the model in the folder `words`."""
        return _tokenizer(tokenizer_folder(Path(self.words)))

    def pieces(
        self, turns: list[Turn], count: Count, tools: Tools = ()
    ) -> Generator[str, None, None]:
        """The answer; an empty piece for each part of the prompt that was read.

        Raises InvalidInput where the last turn does not fit, Unavailable where memory is short.
        """
        words = Path(self.words)
        tokenizer = self.load_tokenizer()
        context = min(self.context_tokens, context_of(words) or self.context_tokens)
        room = room_of(context, self.answer_tokens)
        prompt = fit_prompt(tokenizer, turns, room, "np", tools)["input_ids"]
        count.prompt = prompt.shape[1]
        order = Order(
            min(self.answer_tokens, context - count.prompt),
            end_tokens(tokenizer, named_ends(Path(base_of(words)))),
            self.temperature,
            self.top_p,
        )
        if opens_thinking(tokenizer, prompt[0]):
            yield "<think>"
        tokens = load_engine(Path(self.form)).generate(prompt, order)
        yield from decode_whole(tokenizer, count.each(tokens))


@lru_cache(maxsize=2)
def _tokenizer(folder: str) -> Any:
    quiet_transformers()
    return load_tokenizer(folder)
