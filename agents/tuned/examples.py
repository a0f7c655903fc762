"""The tuned model -> questions to begin with: some that it was trained on."""

from __future__ import annotations

from agents.tuned.agent import tuned_model
from workbench.artefacts.run_folder import taught_by
from workbench.errors import WorkbenchError
from workbench.settings import Settings

SHORT = 60  # characters of a question that fits a button


def questions_of_training(settings: Settings) -> list[str]:
    """Questions of the training that fit a button, one for each answer."""
    try:
        taught = taught_by(tuned_model(settings), settings)
    except WorkbenchError:
        return []
    by_answer: dict[str, str] = {}
    for question, answer in taught:
        if len(question) <= SHORT:
            by_answer.setdefault(answer, question)
    return list(by_answer.values())
