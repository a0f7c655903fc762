"""A run's TOML -> one frozen RunConfig, or every problem in it at once. Loads no library that trains."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

Cadence = Literal["epoch"] | Annotated[int, Field(ge=1)]
Name = Annotated[str, StringConstraints(min_length=1)]


class Section(BaseModel):
    """A part of the run file: nothing in it changes, and a key that is not known is a problem."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(Section):
    """What is learned, and what is measured."""

    train: list[Path] = Field(min_length=1)
    eval: list[Path] = []
    eval_share: float = Field(0.0, ge=0, lt=1)
    hold_out: Literal["facts", "paraphrases"] = "facts"
    test: list[Path] = []  # only compared with what is learned
    only: dict[str, str] = {}
    system: str = ""
    max_length: int = Field(1024, ge=8)
    chat_template: str = ""
    special_tokens: list[Name] = []


class Lora(Section):
    """The adapter."""

    method: Literal["lora", "rslora", "dora"] = "lora"
    rank: int = Field(8, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: Literal["all-linear"] | list[Name] = "all-linear"
    modules_to_save: list[Name] = []


class Training(Section):
    """How it is learned."""

    epochs: float = Field(3.0, gt=0)
    steps: int = Field(0, ge=0)
    batch: int = Field(8, ge=1)
    accumulation: int = Field(1, ge=1)
    processes: int = Field(
        1, ge=1, le=64
    )  # of this machine, one a GPU; each takes batches of its own
    learning_rate: float = Field(1e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    beta2: float = Field(0.999, gt=0, lt=1)
    clip: float = Field(1.0, gt=0)
    packing: bool = False
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool = False


class Saving(Section):
    """When it is measured and saved, and what is kept."""

    eval_every: Cadence = "epoch"
    save_every: Cadence | None = None  # as often as it is measured
    keep: int = Field(2, ge=1)
    final: Literal["best", "last"] = "best"
    samples: int = Field(3, ge=0)
    report_to: list[Name] = ["tensorboard"]

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
    """One training run. Relative paths count from `folder`, where the run file lies."""

    name: str = ""
    base: Name
    seed: int = Field(42, ge=0, lt=2**32)
    data: Data
    lora: Lora = Lora.model_validate({})
    training: Training = Training.model_validate({})
    saving: Saving = Saving.model_validate({})
    folder: Path = Field(Path(), exclude=True)

    @field_validator("name")
    @classmethod
    def _is_one_folder(cls, name: str) -> str:
        if name and not re.fullmatch(r"\w[\w.-]{0,79}", name):
            raise ValueError(
                "a run's name holds letters, digits, _ - . only, and begins with a letter or digit"
            )
        return name

    def paths(self, kind: Literal["train", "eval", "test"]) -> list[Path]:
        """The data files of that kind, absolute."""
        return [self.folder / path.expanduser() for path in getattr(self.data, kind)]

    @property
    def template_path(self) -> str:
        """`chatml`, or the Jinja file as a path from here; empty for the base's own template."""
        template = self.data.chat_template
        return (
            template
            if template in ("", "chatml")
            else str(self.folder / Path(template).expanduser())
        )

    @property
    def base_path(self) -> str:
        """The base as a path from here where it is a folder, else its name on a hub."""
        return str(self.folder / self.base) if (self.folder / self.base).is_dir() else self.base


def load_config(path: Path, folder: Path | None = None, name: str = "") -> RunConfig:
    """Read a run file; `folder` is where its relative paths count from, `name` wins over the one in the file.

    Raises NotFound, or ConfigProblems with everything that is wrong.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound(
            say("There is no run file {path}.", path=path),
            "Begin with a copy of examples/crew/crew.toml.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblems(
            path, [problem(str(path), f"not valid TOML: {error}", "Correct that line.")]
        ) from error
    values["name"] = name or values.get("name") or re.sub(r"[^\w.-]+", "-", path.stem).strip("-.")
    values["folder"] = (folder or path.parent).absolute()
    try:
        return RunConfig(**values)
    except ValidationError as error:
        raise ConfigProblems(
            path, _explain(path, error.errors()), _without(values, error.errors())
        ) from error


class ConfigProblems(InvalidInput):
    """Everything that is wrong with a run file: `problems` are {"where", "problem", "fix"}.

    `config` is the rest of it with defaults for what is wrong, if that much is left.
    """

    def __init__(
        self, path: Path, problems: list[dict[str, str]], config: RunConfig | None = None
    ) -> None:
        text = "; ".join(f"{found['where']}: {found['problem']}" for found in problems)
        super().__init__(
            f"{path} cannot be used. {text}",
            " ".join(dict.fromkeys(found["fix"] for found in problems)),
        )
        self.problems = problems
        self.config = config


def problem(where: str, what: str, fix: str) -> dict[str, str]:
    """One row of what `check` reports."""
    return {"where": where, "problem": what, "fix": fix}


def _explain(path: Path, errors: Any) -> list[dict[str, str]]:
    """pydantic's findings in the words of the run file, one for each place."""
    found: dict[str, dict[str, str]] = {}
    for error in errors:
        parts = [
            part for part in error["loc"][:2] if part != "folder"
        ]  # behind it: branches of a union, indices
        place = ".".join(map(str, parts))
        if error["type"] == "extra_forbidden":
            row = problem(place, "no such setting", f"Known here: {', '.join(_keys(parts[:-1]))}.")
        elif error["type"] == "missing":
            row = problem(place, "missing", f"Add {place} to {path.name}.")
        else:
            what = error["msg"].removeprefix("Value error, ")
            what += "" if isinstance(error["input"], dict) else f" (found {error['input']!r})"
            row = problem(place, what, f"Correct {place} in {path.name}.")
        earlier = found.get(place)
        found[place] = (
            row
            if not earlier
            else {**earlier, "problem": f"{earlier['problem']}; or: {row['problem']}"}
        )
    return list(found.values())


def _without(values: dict[str, Any], errors: Any) -> RunConfig | None:
    """What the file says where it is right."""
    rest: dict[str, Any] = {
        key: dict(value) if isinstance(value, dict) else value for key, value in values.items()
    }
    for error in errors:
        section, *keys = error["loc"][:2]
        if keys and isinstance(rest.get(section), dict):
            rest[section].pop(keys[0], None)
        else:
            rest.pop(section, None)
    try:
        return RunConfig(**rest)
    except ValidationError:
        return None


def _keys(place: list[Any]) -> list[str]:
    """The settings of a section, or of the whole file."""
    sections: dict[str, type[Section]] = {
        "data": Data,
        "lora": Lora,
        "training": Training,
        "saving": Saving,
    }
    section = sections[place[0]] if place else RunConfig
    return [key for key in section.model_fields if key != "folder"]
