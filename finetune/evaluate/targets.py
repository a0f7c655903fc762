"""A name -> who is asked: a run, a base alone, or a model on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from finetune.data.examples import Example
from finetune.evaluate.generation import load_trained
from finetune.evaluate.local import ANSWER, LETTER, LOSS, answers, letters, losses
from finetune.run.runs import Run, check_base, find_run, run_at
from workbench.artefacts.model_folder import CONFIG, digest_of
from workbench.confined import check_name
from workbench.errors import InvalidInput
from workbench.language import tokens
from workbench.messages import say
from workbench.models.chosen import ChosenModel, choose_named
from workbench.models.packaged import KIND as PACKAGED
from workbench.models.packaged import resolve_base
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel

SERVERS = ("ollama:", "openai:")
THINKING_TOKENS = 2048  # what a thinking model may write before its answer
SPARE = 2  # times the longest right answer: a wrong one may be longer

Looks = dict[str, Callable[..., Iterator[tuple[int, Any]]]]


class Target(Protocol):
    """Who is asked. `looks` is what can be found of a row, ANSWER at least.

    Each look is `(examples, numbers of those to ask, batch) -> (number, what was found)`.
    """

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """What identifies it: the same digest gives the same answers."""
        ...

    @property
    def run(self) -> Run | None: ...

    @property
    def is_base(self) -> bool:
        """Whether it is the base of the run, without what the run was taught."""
        ...

    @property
    def looks(self) -> Looks: ...


@dataclass(frozen=True)
class LocalTarget:
    """A run, the base of a run, or a base in a folder: its weights are at hand."""

    name: str
    digest: str
    load: Callable[[], LoadedModel]
    run: Run | None = None
    is_base: bool = False

    @property
    def looks(self) -> Looks:
        found: Looks = {}
        for key, look in ((ANSWER, answers), (LETTER, letters), (LOSS, losses)):
            found[key] = lambda *asked, look=look: look(self.load(), *asked)
        return found


@dataclass(frozen=True)
class ServerTarget:
    """A model that Ollama or an OpenAI-compatible server runs; it gives texts alone."""

    chosen: ChosenModel
    run: Run | None = None
    is_base: bool = False

    @property
    def name(self) -> str:
        return self.chosen.name

    @property
    def digest(self) -> str:
        return f"{self.name} {self.chosen.info.digest}"

    @property
    def looks(self) -> Looks:
        return {ANSWER: self._answers}

    def _answers(
        self, examples: Sequence[Example], numbers: Sequence[int], batch: int
    ) -> Iterator[tuple[int, str]]:
        longest = max(tokens(example.answer) for example in examples)
        room = SPARE * longest + (THINKING_TOKENS if self.chosen.info.thinks else 0)
        model = self.chosen.changed(
            temperature=0.0, top_p=1.0, answer_tokens=room, system_prompt=""
        )
        for number in numbers:
            *asked, _ = examples[number].messages
            if any(message.role == "tool" or message.tool_calls for message in asked):
                raise InvalidInput(
                    say("Row {row}: a server is not asked with calls of tools.", row=number + 1),
                    "Leave such rows out with --only, or score the run itself.",
                )
            yield number, "".join(model.stream([(turn.role, turn.content) for turn in asked]))


def find_target(name: str, settings: Settings, base: bool = False) -> Target:
    """RUN, a model's folder, packaged:NAME, local:NAME, ollama:NAME or openai:NAME.

    `base` asks a run's base alone. Raises NotFound with near names, InvalidInput, Conflict for a
    base that has changed.
    """
    plain = name.removeprefix("local:")
    if not name.startswith((*SERVERS, f"{PACKAGED}:")):
        check_name(plain, settings)
    is_run = run_at(settings, plain).run_file.exists() or Run(Path(plain)).run_file.exists()
    if is_run:
        return of_run(find_run(plain, settings), base)
    if base:
        raise InvalidInput("--base asks the base of a run.", "Leave it out, or name a run.")
    if name.startswith(SERVERS):
        return ServerTarget(choose_named(name, settings))
    folder = _folder_of(name, plain, settings)
    if folder:
        return _of_folder(name, folder)
    return of_run(find_run(plain, settings))  # raises NotFound with near names


def of_run(run: Run, base: bool = False) -> LocalTarget:
    """The run, or its base alone. Raises NotFound or Conflict for its base."""
    check_base(run)
    digest = f"{digest_of(run.trained)} {run.base_digest}"
    if base:
        digest += " base"
    return LocalTarget(run.name, digest, lambda: load_trained(run, base), run, base)


def _folder_of(name: str, plain: str, settings: Settings) -> Path | None:
    if name.startswith(f"{PACKAGED}:"):
        return Path(resolve_base(name, settings))
    for folder in (settings.home / "models" / plain, Path(plain).expanduser()):
        if (folder / CONFIG).exists():
            return folder.absolute()
    return None


def _of_folder(name: str, folder: Path) -> LocalTarget:
    def load() -> LoadedModel:
        from workbench.models.weights import load_local

        return load_local(folder)

    return LocalTarget(name, digest_of(folder), load)
