"""The tuned model -> questions to begin with: some that it was trained on."""

from __future__ import annotations

from agents.examples import quoted
from agents.tuned.agent import model_for_auto, scored_runs
from workbench.artefacts.run_folder import taught_by
from workbench.errors import WorkbenchError
from workbench.language import localized
from workbench.settings import Settings

SHORT = 60  # characters of a question that fits a button


def name_runs(settings: Settings, language: str) -> str:
    """The runs that were trained to their end and measured; empty for none."""
    names = [name.removeprefix("local:") for name in scored_runs(settings)]
    listed = quoted(names, language)
    said = localized(language, f"what {listed} was tuned on", f"{listed}学过的内容")
    return said if names else ""


def questions_of_training(settings: Settings) -> list[str]:
    """Questions of the training that fit a button, one for each answer."""
    try:
        taught = taught_by(model_for_auto(settings), settings)
    except WorkbenchError:
        return []
    by_answer: dict[str, str] = {}
    for question, answer in taught:
        if len(question) <= SHORT:
            by_answer.setdefault(answer, question)
    return list(by_answer.values())
