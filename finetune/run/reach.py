"""A run file -> Forbidden where it names what the person who starts the run may not reach."""

from __future__ import annotations

from finetune.run.config import RunConfig
from workbench.confined import check_admin, inside
from workbench.settings import Settings

OWN_TEMPLATES = ("", "chatml")  # the base's, and ours


def check_reach(config: RunConfig, settings: Settings) -> None:
    """Raises Forbidden: for data and templates out of the workspace, and for a base's own code.

    The base itself is looked at where it is found.
    """
    for path in [*config.paths("train"), *config.paths("eval"), *config.paths("test")]:
        inside(path, settings)
    if config.template_path not in OWN_TEMPLATES:
        inside(config.template_path, settings)
    if config.remote_code:
        check_admin(settings)
