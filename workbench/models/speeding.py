"""A run or a model folder -> the same model in OpenVINO's form, where its answers stay the same.

    verdict = speed_up("local:crew", settings, report)   # minutes for a large model
    form = fast_form(folder, settings)                    # None where transformers has to answer

Package `deploy` writes the merged GGUF (see `Contribution.gguf`). The form is compared with
transformers on greedy answers, like a publish; the verdict lies beside it, by the digest of the
weights, so a run that is trained again has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.artefacts.model_folder import base_of, digest_of, find_local
from workbench.artefacts.run_folder import taught_by
from workbench.confined import check_may_change
from workbench.contributions import contributions, load_place
from workbench.errors import InvalidInput, Unavailable, WorkbenchError
from workbench.files import locked, read_json, sha256_of, write_json, writing
from workbench.messages import say
from workbench.models.chat_format import fit_prompt
from workbench.models.engine import Engine, Order
from workbench.models.generate import generate_tokens
from workbench.models.local import sampling
from workbench.models.openvino_form import write_form
from workbench.models.weights import load_local
from workbench.settings import Settings

PROMPTS = 12
TOKENS = 48  # of each answer that is compared
QUESTIONS = (
    "What can you do?",
    "Write three sentences about the sea.",
    "How many days has a week?",
    "Explain what a contract is.",
    "你能做什么？",
    "用三句话介绍大海。",
)
VERDICT = "verdict.json"

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Verdict:
    """How many of the prompts gave the same tokens, and what was compared."""

    same: int
    prompts: int
    tokens: int
    precision: str
    weights: str
    gguf_sha256: str

    @property
    def equal(self) -> bool:
        """Whether every answer was the same, token for token."""
        return self.prompts > 0 and self.same == self.prompts


def fast_form(folder: Path, settings: Settings) -> Path | None:
    """The form of the model in that folder; None where there is none or its answers differ."""
    form = place_of_form(folder, settings)
    try:
        verdict = Verdict(**read_json(form / VERDICT, {}))
    except (TypeError, ValueError):  # none, or not one of ours
        return None
    return form if verdict.equal else None


def speed_up(name: str, settings: Settings, report: Report) -> Verdict:
    """Make the form of a `local:` model and compare it. A form whose answers differ is not kept.

    Raises InvalidInput for other models and for kinds that OpenVINO does not build, NotFound,
    Unavailable without the extra that writes GGUF files.
    """
    check_may_change(settings)
    kind, _, rest = name.partition(":")
    if kind != "local":
        raise InvalidInput(
            say("{name} is run elsewhere.", name=name),
            "Name a run or a model folder: local:NAME.",
        )
    folder = find_local(rest, settings)
    form = place_of_form(folder, settings)
    with locked(form), writing(form) as part:
        part.mkdir()
        file = part / "run.gguf"
        report({"event": "progress", "stage": "Converting to GGUF"})
        _writer()(rest, settings, file)
        report({"event": "progress", "stage": "Compiling for this machine"})
        write_form(file, part)
        report({"event": "progress", "stage": "Comparing the answers"})
        same, prompts = _compare(folder, part, _questions(name, settings))
        verdict = Verdict(same, prompts, TOKENS, "f16", digest_of(folder), sha256_of(file))
        for made in part.iterdir():
            if not verdict.equal or made == file:
                made.unlink()  # the verdict alone stays
        write_json(part / VERDICT, asdict(verdict))
    return verdict


def place_of_form(folder: Path, settings: Settings) -> Path:
    """By the weights of the adapter and of its base."""
    base = Path(base_of(folder))
    both = digest_of(folder) + digest_of(base)
    return settings.home / "fast" / hashlib.sha256(both.encode()).hexdigest()[:16]


def _writer() -> Callable[[str, Settings, Path], None]:
    for contribution in contributions():
        if contribution.gguf:
            return load_place(contribution.gguf)
    raise Unavailable("No package here writes GGUF files.", "Install the whole of the program.")


def _questions(name: str, settings: Settings) -> list[str]:
    """Some that the model was taught, and general ones."""
    try:
        taught = [question for question, _ in taught_by(name, settings)]
    except WorkbenchError:
        taught = []
    return [*taught[: PROMPTS - len(QUESTIONS)], *QUESTIONS]


def _compare(folder: Path, form: Path, questions: list[str]) -> tuple[int, int]:
    """(answers with the same tokens, answers), all greedy."""
    loaded = load_local(folder)
    options = sampling(loaded, 0.0, 1.0) | {"max_new_tokens": TOKENS}
    order = Order(TOKENS, options["eos_token_id"])
    engine = Engine.of(form)
    same = 0
    with loaded.base.lock:
        loaded.choose_adapter()
        for question in questions:
            turns = [{"role": "user", "content": question}]
            prompt = fit_prompt(loaded.tokenizer, turns, 10**6)
            expected = list(generate_tokens(loaded.base.model, prompt, options))
            made = engine.generate(prompt["input_ids"].numpy(), order)
            same += [token for token in made if token is not None] == expected
    return same, len(questions)
