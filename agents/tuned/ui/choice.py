"""The choice of the tuned model, a chip above the chat's box."""

from __future__ import annotations

from agents.tuned.agent import talking_runs
from workbench.settings import Settings
from workbench.ui.chips import fall_back, menu_chip
from workbench.ui.models import is_gone, reachable_models, with_chosen
from workbench.ui.widgets import both, choices


def choose_tuned(settings: Settings, asked: bool) -> None:
    """Shown only where the tuned model is asked: which run, or which published model."""
    chosen = choices().get("tuned", "auto")
    if is_gone(chosen, settings):
        fall_back(
            "tuned",
            both(
                f"The model “{chosen}” no longer exists; this chat now asks the newest run.",
                f"模型“{chosen}”已不存在，此对话改用最新的训练。",
            ),
        )
    if not asked:
        return
    published = [name for name in reachable_models(settings) if name.startswith("ollama:")]
    options = list(dict.fromkeys(["auto", *talking_runs(settings), *published]))
    labels = {name: name for name in with_chosen(options, settings.tuned)}
    labels["auto"] = both("Newest run", "最新训练")
    menu_chip(
        "tuned",
        both("Tuned model", "微调模型"),
        labels,
        settings.tuned,
        default="auto",
        icon=":material/model_training:",
        shown=labels[settings.tuned].partition(":")[2],
    )
