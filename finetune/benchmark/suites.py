"""C-Eval and CMMLU: the name of a subject -> the task that lm-evaluation-harness ships for it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import NotFound
from workbench.extras import check_extra
from workbench.messages import say

SOURCE = ("dataset_path", "dataset_name", "include")  # of a shipped task: where its data are


@dataclass(frozen=True)
class Suite:
    """A benchmark in subjects. `part` has the questions that are asked, `dev` those before them."""

    name: str
    prefix: str  # of the library's names of its tasks
    part: str
    hub: str


SUITES = {
    "ceval": Suite("ceval", "ceval-valid_", "val", "ceval/ceval-exam"),
    "cmmlu": Suite("cmmlu", "cmmlu_", "test", "haonan-li/cmmlu"),
}


def find_suite(name: str) -> tuple[Suite, str] | None:
    """(suite, subject) that `ceval:law` and `ceval-valid_law` name; all of `ceval` is subject "".

    None for a task that is no subject of a suite.
    """
    for suite in SUITES.values():
        if name in (suite.name, suite.prefix.rstrip("_")):
            return suite, ""
        for begin in (f"{suite.name}:", suite.prefix):
            if name.startswith(begin):
                return suite, name.removeprefix(begin)
    return None


def subjects_of(suite: Suite) -> list[str]:
    """The subjects that the library has a task for."""
    files = sorted(_folder(suite).glob(f"{suite.prefix}*.yaml"))
    return [file.stem.removeprefix(suite.prefix) for file in files]


def shipped_task(suite: Suite, subject: str) -> dict[str, Any]:
    """The library's own task for a subject, without its data. Raises NotFound with near names."""
    import yaml

    path = _folder(suite) / f"{suite.prefix}{subject}.yaml"
    if not path.is_file():
        near = get_close_matches(subject, subjects_of(suite), 3)
        raise NotFound(
            say("{suite} has no subject {subject}.", suite=suite.name, subject=subject),
            say("Did you mean {names}?", names=", ".join(near))
            if near
            else say("Its subjects: {names}", names=", ".join(subjects_of(suite))),
        )
    own = yaml.safe_load(path.read_text("utf-8"))
    shared = yaml.safe_load(path.with_name(own["include"]).read_text("utf-8"))
    task = shared | own
    return {key: value for key, value in task.items() if key not in SOURCE}


def _folder(suite: Suite) -> Path:
    """The library's folder of the suite's tasks. Nothing of the library is run."""
    check_extra("evaluate", ["lm_eval"], say("A benchmark"))
    found = find_spec("lm_eval")
    assert found and found.submodule_search_locations  # checked above
    return Path(found.submodule_search_locations[0]) / "tasks" / suite.name
