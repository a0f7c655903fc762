"""A model of a server -> what lm-evaluation-harness asks, through the server's chat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from finetune.benchmark.model import Model
from finetune.run.runs import Run, run_at
from workbench.artefacts.published import find_published
from workbench.errors import Unavailable
from workbench.messages import say
from workbench.models.chosen import ChosenModel, choose_named
from workbench.models.ollama import Beginning, beginnings
from workbench.models.reasoning import answer_only
from workbench.settings import Settings

WRITTEN = "Let it write its answers instead: --written"


def find_served(name: str, settings: Settings) -> Model:
    """A model of Ollama or of an OpenAI-compatible server. Raises InvalidInput."""
    chosen = choose_named(name, settings)
    taught_by = _published_from(name, settings)
    return Model(
        name,
        chosen.info.digest,
        talks=True,
        ask=partial(_ask_served, chosen),
        taught_by=taught_by,
        served=True,
    )


def _published_from(name: str, settings: Settings) -> Run | None:
    """The run that the model was published from, where this workspace did so."""
    published = find_published(name.removeprefix("ollama:"), settings)
    run = run_at(settings, published.run) if published else None
    return run if run and run.folder.exists() else None


@contextmanager
def _ask_served(chosen: ChosenModel, batch: int, chat: bool) -> Iterator[Any]:
    """The library's model of it. A server answers one question after the other."""
    from lm_eval.api.model import LM

    class Served(LM):
        """Prompts are lists of messages as JSON; the server writes them by its template."""

        tokenizer_name = chosen.name

        def __init__(self) -> None:
            super().__init__()
            self.cut: set[str] = set()

        def share(self, share: float) -> None:
            """Replaced by who wants to know how much of a task is done, 0 to 1."""

        def apply_chat_template(self, turns: Any, add_generation_prompt: bool = True) -> str:
            return json.dumps(turns, ensure_ascii=False)

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self.cut = set()
            begun: dict[str, Beginning] = {}
            found = []
            for number, request in enumerate(requests, 1):
                prompt, option = request.args
                if prompt not in begun:
                    begun[prompt] = _begin(chosen, prompt)
                    self._note_cut(prompt, begun[prompt].prompt)
                found.append((_chance(begun[prompt], option), False))
                self.share(number / len(requests))
            _check_listed(requests, found, chosen)
            return found

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> list[str]:
            self.cut = set()
            found = []
            for number, request in enumerate(requests, 1):
                prompt, options = request.args
                found.append(_answer(chosen, prompt, options))
                self.share(number / len(requests))
            return found

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
            raise Unavailable(
                "A server does not give the log-probabilities of a text.",
                "Measure the run or the base itself.",
            )

        def _note_cut(self, prompt: str, tokens: int) -> None:
            if tokens >= chosen.settings.context_tokens:
                self.cut.add(prompt)

    yield Served()


def _begin(chosen: ChosenModel, prompt: str) -> Beginning:
    kind, _, name = chosen.name.partition(":")
    if kind != "ollama":
        raise Unavailable(
            say("{name} is asked for its text alone, not for log-probabilities.", name=chosen.name),
            WRITTEN,
        )
    return beginnings(name, json.loads(prompt), chosen.settings)


def _chance(begun: Beginning, option: str) -> float:
    """The log-probability of the option's letter, with or without a space before it."""
    chances = [chance for token, chance in begun.tokens.items() if token.strip() == option.strip()]
    return max(chances, default=float("-inf"))


def _check_listed(requests: Any, found: list[tuple[float, bool]], chosen: ChosenModel) -> None:
    """Raise Unavailable where no option of a question is among the tokens that the server lists."""
    best: dict[str, float] = {}
    for request, (chance, _) in zip(requests, found, strict=True):
        prompt = request.args[0]
        best[prompt] = max(chance, best.get(prompt, float("-inf")))
    unseen = [prompt for prompt, chance in best.items() if chance == float("-inf")]
    if unseen:
        raise Unavailable(
            say(
                "The server lists the likeliest tokens only, and for {count} of {all} questions "
                "of {name} no option is among them.",
                count=len(unseen),
                all=len(best),
                name=chosen.name,
            ),
            WRITTEN,
        )


def _answer(chosen: ChosenModel, prompt: str, options: dict[str, Any]) -> str:
    """The greedy answer, as far as the first text that ends it."""
    turns = [(turn["role"], turn["content"]) for turn in json.loads(prompt)]
    tokens = options.get("max_gen_toks", chosen.settings.answer_tokens)
    if not chosen.info.thinks:  # else the answer comes after the thoughts
        chosen = chosen.changed(answer_tokens=tokens)
    text = answer_only("".join(chosen.changed(temperature=0.0).stream(turns)))
    for end in options.get("until") or []:
        text = text.partition(end)[0]
    return text
