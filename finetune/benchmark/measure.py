"""A model and tasks -> accuracy and standard error of each task, kept as soon as it is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from finetune.benchmark.asking import ask_task
from finetune.benchmark.finding import find_model
from finetune.benchmark.kept import Conditions, Measured, find_kept, folder_of
from finetune.benchmark.leak import taught_questions
from finetune.benchmark.model import Model
from finetune.benchmark.task import Form, Task
from finetune.benchmark.tasks import load_tasks
from workbench.errors import InvalidInput
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import say
from workbench.progress import Pace
from workbench.settings import Settings

Report = Callable[[dict[str, Any]], None]
STAGE = say("Asking the questions")


@dataclass(frozen=True)
class Wish:
    """What a person asks for. `template` is auto, chat or plain."""

    model: str
    tasks: Sequence[str]
    folder: str = ""  # or a hub's name; empty is the suites' own place
    limit: int = 0
    shots: int | None = None
    template: str = "auto"
    written: bool = False
    base: bool = False
    batch: int = 4
    seed: int = 1234
    replace: bool = False


@dataclass
class _Running:
    """How far the tasks are together."""

    of: int
    report: Report
    done: int = 0
    pace: Pace = field(default_factory=Pace)

    def tell(self, task: Task, share: float) -> None:
        done = self.done + round(share * len(task.questions))
        if not self.pace.is_due(last=done == self.of):
            return
        event = {"event": "progress", "stage": STAGE, "done": done, "of": self.of}
        self.report(event | {"detail": task.name})


def benchmark(wish: Wish, settings: Settings, report: Report) -> list[tuple[Task, Measured]]:
    """Every task with what came of it; what was measured so before is taken as it is.

    Raises NotFound, InvalidInput, Conflict or Unavailable for the model, the tasks or their data.
    """
    check_extra("evaluate", ["lm_eval"], say("A benchmark"))
    quiet_transformers()
    model = find_model(wish.model, wish.base, settings)
    form = _form_of(wish, model)
    tasks = load_tasks(wish.tasks, wish.folder, form, settings)
    own = model.run.folder if model.run else None
    folder = folder_of(model.name, model.digest, own, settings)
    taught = taught_questions(model.taught_by) if model.taught_by else []
    running = _Running(sum(len(task.questions) for task in tasks), report)
    found = []
    with ExitStack() as stack:
        asked = None
        for task in tasks:
            conditions = _conditions(task, form, model)
            kept = None if wish.replace else find_kept(folder, conditions)
            if kept is None:
                asked = asked or stack.enter_context(model.ask(wish.batch, form.chat))
                asked.share = lambda share, task=task: running.tell(task, share)
                kept = ask_task(task, conditions, asked, taught, folder)
            _warn(kept, report)
            running.done += len(task.questions)
            running.tell(task, 0)
            report({"event": "task", "task": task.asked, **kept.result})
            found.append((task, kept))
    return found


def _form_of(wish: Wish, model: Model) -> Form:
    chat = model.talks if wish.template == "auto" else wish.template == "chat"
    if chat and not model.talks:
        raise InvalidInput(
            say("{name} has no chat template.", name=model.name), "Ask it with --template plain."
        )
    if model.served and not chat:
        raise InvalidInput(
            "A server writes the prompt by the template of its model.",
            "Leave --template out, or measure the run itself.",
        )
    return Form(wish.shots, chat, wish.written, wish.seed, wish.limit)


def _conditions(task: Task, form: Form, model: Model) -> Conditions:
    return Conditions(
        task=task.name,
        version=task.version,
        shots=task.task.config.num_fewshot or 0,
        template="chat" if form.chat else "plain",
        form="answers" if task.task.OUTPUT_TYPE == "generate_until" else "letters",
        limit=form.limit,
        questions=task.sha256,
        model=model.name,
        digest=model.digest,
        seed=form.seed,
        library=version("lm_eval"),
        system=model.system if form.chat else "",
    )


def _warn(measured: Measured, report: Report) -> None:
    result = measured.result
    task = measured.conditions.task
    if result["leak"]:
        text = say(
            "{leak} of {n} questions of {task} were trained on: the figure shows what was "
            "memorised, not what is understood.",
            leak=result["leak"],
            n=result["n"],
            task=task,
        )
        report({"event": "warning", "text": text})
    if result["cut"]:
        text = say(
            "{cut} of {n} prompts of {task} are longer than the model's context; their beginning "
            "was cut off.",
            cut=result["cut"],
            n=result["n"],
            task=task,
        )
        report({"event": "warning", "text": text})
