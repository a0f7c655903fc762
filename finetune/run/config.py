"""A run's TOML -> one frozen RunConfig, or every problem in it at once. Loads no torch."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model, field_validator, model_validator

from finetune.methods import METHODS, Method, sharing
from finetune.parallel import PARALLEL
from finetune.run.explain import explain, without_faults
from finetune.section import MethodSection, Name, Section, problem
from finetune.tasks import TASKS
from workbench.errors import InvalidInput, NotFound
from workbench.messages import listed, say

Cadence = Literal["epoch"] | Annotated[int, Field(ge=1)]
NAME = re.compile(r"\w[\w.-]{0,79}")


class Data(Section):
    """What is learned, and what is measured."""

    train: list[Path] = Field(min_length=1)
    eval: list[Path] = Field([])
    eval_share: float = Field(0.0, ge=0, lt=1)
    hold_out: Literal["facts", "paraphrases"] = "facts"
    test: list[Path] = Field([])  # only compared with what is learned
    only: dict[str, str] = Field({})
    system: str = ""
    max_length: int = Field(1024, ge=8)  # tokens
    chat_template: str = ""
    special_tokens: list[Name] = Field([])


class Training(Section):
    """How it is learned."""

    epochs: float = Field(3.0, gt=0)
    steps: int = Field(0, ge=0)  # in place of epochs, where it is not 0
    batch: int = Field(8, ge=1)
    accumulation: int = Field(1, ge=1)
    processes: int = Field(1, ge=1, le=1024)  # one a GPU, each with batches of its own
    parallel: Literal[tuple(PARALLEL)] = next(iter(PARALLEL))  # type: ignore[valid-type]
    learning_rate: float = Field(1e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1)  # share of the steps
    weight_decay: float = Field(0.0, ge=0)
    beta2: float = Field(0.999, gt=0, lt=1)
    clip: float = Field(1.0, gt=0)
    packing: bool = False
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool = False
    attention: Literal["auto", "flash", "sdpa"] = "auto"
    liger: bool = False
    compile: bool = False

    @property
    def rows_a_step(self) -> int:
        """How many rows a step learns, on whatever number of processes."""
        return self.batch * self.accumulation * self.processes


class Saving(Section):
    """When it is measured and saved, and what is kept."""

    eval_every: Cadence = "epoch"
    save_every: Cadence | None = None  # None: as often as it is measured
    keep: int = Field(2, ge=1)
    final: Literal["best", "last"] = "best"
    samples: int = Field(3, ge=0)
    report_to: list[Name] = Field(["tensorboard"])

    @property
    def cadence(self) -> int | str:
        """How often a checkpoint is written."""
        return self.save_every or self.eval_every

    @model_validator(mode="after")
    def _best_is_measured(self) -> Saving:
        if self.final == "best" and self.save_every not in (None, self.eval_every):
            raise ValueError(
                'final = "best" needs save_every as often as eval_every; or set final = "last"'
            )
        return self


class RunConfig(Section):
    """One training run. Relative paths count from `folder`, where the run file lies.

    `load_config` adds a field for each section of the tables of methods and tasks, and takes
    `method = "NAME"` for that method's section.
    """

    name: str = ""
    task: str = next(iter(TASKS))
    base: Name
    remote_code: bool = False  # whether code of the base's own repository may run here
    seed: int = Field(42, ge=0, lt=2**32)
    data: Data
    training: Training = Training.model_validate({})
    saving: Saving = Saving.model_validate({})
    folder: Path = Field(Path(), exclude=True)

    @field_validator("name")
    @classmethod
    def _is_one_folder(cls, name: str) -> str:
        if name and not NAME.fullmatch(name):
            raise ValueError(
                "a run's name holds letters, digits, _ - . only, and begins with a letter or digit"
            )
        return name

    @property
    def tuning(self) -> MethodSection:
        """The settings of the method: of the one section that the run file has."""
        for section in method_sections():
            settings = getattr(self, section)
            if settings is not None:
                return settings
        raise LookupError("a RunConfig has the section of a method")

    @property
    def method(self) -> str:
        """The method's name in METHODS."""
        return self.tuning.method

    @property
    def task_settings(self) -> Any:
        """The settings of the task: its section, or that section's defaults."""
        row = TASKS[self.task]
        return getattr(self, row.section, None) or row.settings()

    def paths(self, kind: Literal["train", "eval", "test"]) -> list[Path]:
        """The data files of that kind, absolute."""
        return [self.folder / path.expanduser() for path in getattr(self.data, kind)]

    @property
    def template_path(self) -> str:
        """`chatml`, or the Jinja file as a path from here; empty for the base's own template."""
        template = self.data.chat_template
        if template in ("", "chatml"):
            return template
        return str(self.folder / Path(template).expanduser())

    @property
    def base_path(self) -> str:
        """The base as a path from here where it is a folder, else its name on a hub."""
        folder = self.folder / self.base
        return str(folder) if folder.is_dir() else self.base


class ConfigProblems(InvalidInput):
    """Everything that is wrong with a run file: `problems` are {"where", "problem", "fix"}.

    `config` is the rest of it with defaults for what is wrong, if that much is left.
    """

    def __init__(
        self, path: Path, problems: list[dict[str, str]], config: RunConfig | None = None
    ) -> None:
        found = [
            say("{where}: {problem}", where=p["where"], problem=p["problem"]) for p in problems
        ]
        fixes = dict.fromkeys(row["fix"] for row in problems)
        super().__init__(
            say("{path} cannot be used. {found}", path=path, found=listed(found)),
            listed(fixes, " "),
        )
        self.problems = problems
        self.config = config


def load_config(path: Path, folder: Path | None = None, name: str = "") -> RunConfig:
    """Read a run file.

    Its relative paths count from `folder`, else from where it lies; `name` wins over the one in it.
    Raises NotFound, or ConfigProblems with everything that is wrong.
    """
    values = _read(path)
    values["name"] = name or values.get("name") or _name_of(path)
    values["folder"] = (folder or path.parent).absolute()
    problems = [*_choose_method(values), *_take_out_unused(values)]
    model = run_file(values.get("task", ""))
    try:
        config = model(**values)
    except ValidationError as error:
        problems += explain(error, model, path.name)
        raise ConfigProblems(path, problems, without_faults(values, error, model)) from error
    if problems:
        raise ConfigProblems(path, problems, config)
    return config


def method_sections() -> list[str]:
    """The sections of the run file that choose a method; the first is the default."""
    return list(dict.fromkeys(row.section for row in METHODS.values()))


def run_file(task: str = "") -> type[RunConfig]:
    """RunConfig with a field for each section of the tables, made when it is needed.

    A section that several tasks share has the settings of `task`.
    """
    fields: dict[str, Any] = {"task": (Literal[tuple(TASKS)], next(iter(TASKS)))}
    for row in sorted(TASKS.values(), key=lambda row: row.name == task):  # the run's own task last
        if row.section:
            fields[row.section] = (row.settings | None, None)
    for method in METHODS.values():
        names = sharing(method.section)
        choice: Any = Literal[tuple(names)]
        settings = create_model(
            method.settings.__name__, __base__=method.settings, method=(choice, names[0])
        )
        fields[method.section] = (settings | None, None)
    return create_model("RunFile", __base__=RunConfig, **fields)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound(
            say("There is no run file {path}.", path=path),
            "Begin with a copy of examples/crew/crew.toml.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = say("not valid TOML: {error}", error=error)
        row = problem(str(path), fault, say("Correct that line."))
        raise ConfigProblems(path, [row]) from error


def _name_of(path: Path) -> str:
    """The file's name as the name of a run."""
    return re.sub(r"[^\w.-]+", "-", path.stem).strip("-.")


def _choose_method(values: dict[str, Any]) -> list[dict[str, str]]:
    """Leave the section of one method in the values, which names it, and give the run its rate.

    A problem for a method that is not known, and for each that is named besides.
    """
    problems = []
    named = values.pop("method", None)
    row = _method(named)
    if named is not None and row is None:
        what = say("there is no method {name}", name=repr(named))
        problems.append(
            problem("method", what, say("Known here: {keys}.", keys=", ".join(METHODS)))
        )
    present = [name for name in method_sections() if name in values] or method_sections()[:1]
    section = row.section if row else present[0]
    for other in present:
        if other != section and values.pop(other, None) is not None:
            what = say("a run has one method, and [{section}] is another", section=section)
            problems.append(problem(other, what, say("Delete one of the two sections.")))
    settings = values.setdefault(section, {})
    if not isinstance(settings, dict):
        return problems  # pydantic says so
    if row and settings.setdefault("method", row.name) != row.name:
        what = say("[{section}] names another method", section=section)
        problems.append(problem("method", what, say("Name it in one of the two places.")))
    _give_rate(values, _method(settings.get("method", sharing(section)[0])))
    return problems


def _method(name: Any) -> Method | None:
    return METHODS.get(name) if isinstance(name, str) else None


def _give_rate(values: dict[str, Any], method: Method | None) -> None:
    """The learning rate of the method and the task, where the run file names none."""
    training = values.setdefault("training", {})
    if method and isinstance(training, dict):
        task = values.get("task")
        share = TASKS[task].rate if isinstance(task, str) and task in TASKS else 1.0
        training.setdefault("learning_rate", method.learning_rate * share)


def _take_out_unused(values: dict[str, Any]) -> list[dict[str, str]]:
    """Leave the chosen task in the values; a problem for each section of another one."""
    problems = []
    task = values.get("task", next(iter(TASKS)))
    own = [row.section for row in TASKS.values() if row.name == task]
    for row in TASKS.values():
        if row.section in values and row.section not in own:
            del values[row.section]
            what = say("the task {task} does not read this section", task=task)
            fix = say('Delete it, or set task = "{name}".', name=row.name)
            problems.append(problem(row.section, what, fix))
    return problems
