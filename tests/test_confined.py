"""Who is no administrator names files of the own space alone, at every door of every package."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from agents.attached import copy_into, read_now
from agents.compare.gathering import gather
from agents.databases.introspect import try_place
from agents.databases.rights import try_rights
from agents.databases.sources import SCHEMES, add_source, parse_place
from agents.forecast.places import find_place
from agents.mcp.adding import add_server
from finetune.benchmark.data import find_data
from finetune.benchmark.finding import find_model
from finetune.benchmark.suites import SUITES
from finetune.evaluate.targets import find_target
from finetune.run.check import check
from finetune.run.runs import find_run
from rag.ingest import ingest
from rag.reindex import reindex
from workbench.artefacts.model_folder import find_local
from workbench.cli import workbench
from workbench.confined import inside, is_inside
from workbench.errors import Forbidden, WorkbenchError
from workbench.models.chosen import choose_named
from workbench.models.connecting import connect_folder
from workbench.models.encoders import encoder_folder
from workbench.models.packaged import resolve_base
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
TABLE = tomllib.loads(Path(__file__).with_name("attacks.toml").read_text("utf-8"))
ATTACKS = [text for texts in TABLE["reach"].values() for text in texts]
PACKAGES = ("workbench", "rag", "agents", "finetune", "deploy")

CSV = "/etc/secret.csv"
OWN = Path("uploads/docs/own.csv")
Door = Callable[[str, Settings], Any]
DOORS: dict[str, Door] = {
    "documents": lambda path, settings: ingest([Path(path)], "notes", settings),
    "embedder": lambda path, settings: reindex("notes", path, settings),
    "first embedder": lambda path, settings: ingest([OWN], "new", settings, embedder=path),
    "attached": lambda path, settings: read_now([Path(path)], settings),
    "kept attached": lambda path, settings: copy_into(settings, [Path(path)], "notes", ""),
    "database": lambda path, settings: add_source(settings, "shop", path),
    "SQLite": lambda path, settings: parse_place("shop", f"sqlite:///{path}", settings),
    "DuckDB": lambda path, settings: parse_place("shop", f"duckdb:///{path}", settings),
    "tried database": lambda path, settings: try_place(settings, "shop", path),
    "rights": lambda path, settings: try_rights(settings, "shop", path),
    "series": lambda path, settings: find_place(settings, path if path.endswith(".csv") else CSV),
    "model": lambda path, settings: choose_named(f"local:{path}", settings),
    "model's folder": find_local,
    "connected folder": connect_folder,
    "base": resolve_base,
    "run": find_run,
    "scored model": find_target,
    "measured model": lambda path, settings: find_model(path, False, settings),
    "benchmark's data": lambda path, settings: find_data(SUITES["ceval"], path, settings),
    "encoder": encoder_folder,
    "questions": lambda path, settings: gather(f"{path}", settings),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two people's spaces below one workspace, a folder outside, and links that lead out."""
    base = tmp_path_factory.mktemp("confined")
    root, outside = base / "root", base / "outside"
    home, other = root / "spaces/people/anna", root / "spaces/people/bob"
    for place in (home, other, root / "spaces/groups/crew"):
        for folder in ("uploads/docs", "runs/demo/adapter", "models/tiny", "data", "jobs/x"):
            (place / folder).mkdir(parents=True)
        (place / "uploads/docs/secret.csv").write_text("a,b\n1,2\n")
        (place / "uploads/docs/own.csv").write_text("a,b\n1,2\n")
        (place / "models/tiny/config.json").write_text("{}")
        (place / "runs/demo/run.toml").write_text("")
        (place / "people/carol/attached/1").mkdir(parents=True)
        for name in ("index.db", "workbench.db", "people/carol/workbench.db", "data/shop.sqlite"):
            (place / name).write_bytes(b"")
    outside.mkdir()
    (outside / "secret.csv").write_text("a,b\n1,2\n")
    for name in ("workbench.db", "accounts.db"):
        (root / name).write_bytes(b"")
    uploads = home / "uploads"
    (uploads / "link-to-file.csv").symlink_to(other / "uploads/docs/secret.csv")
    (uploads / "link-to-folder").symlink_to(other)
    (uploads / "link-to-root").symlink_to("/")
    (uploads / "link-in-a-circle").symlink_to(uploads / "link-in-a-circle")
    (uploads / "link-inside.csv").symlink_to(uploads / "docs/own.csv")
    (home / "runs/link-to-run").symlink_to(other / "runs/demo")
    (home / "models/link-to-model").symlink_to(other / "models/tiny")
    named = {"root": root, "home": home, "other": other, "outside": outside}
    return {name: str(path) for name, path in named.items()}


@pytest.fixture
def space(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Anna's space, for an editor, also for what a command reads of the environment."""
    monkeypatch.chdir(places["home"])
    monkeypatch.setenv("WORKBENCH_HOME", places["home"])
    monkeypatch.setenv("WORKBENCH_ROLE", "editor")
    return load_settings()


def spelled(text: str, places: dict[str, str]) -> str:
    for name, path in places.items():
        text = text.replace(f"{{{name}}}", path)
    return text


def test_no_spelling_leads_out_of_the_space(space: Settings, places: dict[str, str]) -> None:
    assert len(ATTACKS) == len(set(ATTACKS)) > 70
    for role in ("editor", "reader"):
        settings = space.model_copy(update={"role": role})
        let_in = [text for text in ATTACKS if is_inside(spelled(text, places), settings)]
        assert let_in == []
    with pytest.raises(Forbidden, match="administrator alone"):
        inside(places["other"], space)


def test_what_lies_in_the_space_is_named_freely_and_an_administrator_names_all(
    space: Settings, places: dict[str, str]
) -> None:
    for text in TABLE["legitimate"]["paths"]:
        found = inside(spelled(text, places), space)
        assert found.is_relative_to(space.home)
    assert inside("uploads/link-inside.csv", space) == space.home / "uploads/docs/own.csv"
    admin = space.model_copy(update={"role": "admin"})
    for text in ("/etc/passwd", places["other"], f"{places['home']}/index.db"):
        assert inside(text, admin) == Path(text)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_every_spelling(
    door: str, space: Settings, places: dict[str, str]
) -> None:
    let_in = []
    for text in ATTACKS:
        path = spelled(text, places)
        try:
            DOORS[door](path, space)
            let_in.append(text)
        except Forbidden:
            continue
        except (WorkbenchError, OSError, ValueError) as error:
            if "is not a known kind of database" not in str(error):
                let_in.append(f"{text}: {type(error).__name__} {error}")
    assert let_in == []


def test_a_socket_and_a_certificate_of_the_machine_are_paths_too(space: Settings) -> None:
    for address in (
        "postgresql://postgres@%2Fvar%2Frun%2Fpostgresql/db",
        "postgresql://postgres@%40abstract/db",
        "postgresql://u@h/db?sslrootcert=/etc/passwd",
        "mysql://u@h/db?ssl_ca=/etc/passwd",
        "mysql://u@h/db?ssl_key=../../bob/key.pem",
    ):
        with pytest.raises(Forbidden):
            parse_place("shop", address, space)
    source, _ = parse_place("shop", "mysql://u@h/db?ssl_verify_cert=true", space)
    assert source.dialect == "mysql"
    assert {"sqlite", "duckdb"} < set(SCHEMES)


def test_a_run_file_names_no_foreign_data_and_no_code(
    space: Settings, places: dict[str, str]
) -> None:
    file = space.folder("training") / "run.toml"
    for line, where in (
        (f'train = ["{places["other"]}/uploads/docs/secret.csv"]', "data"),
        ('train = ["../../bob/uploads/docs/secret.csv"]', "data"),
        ('train = ["../uploads/docs/own.csv"]\ntest = ["/etc/passwd"]', "data"),
        ('train = ["../uploads/docs/own.csv"]\nchat_template = "/etc/passwd"', "data"),
    ):
        file.write_text(f'base = "packaged:smollm2-135m"\n[data]\n{line}\n')
        problems = check(file, space).problems
        assert [(row["where"], "administrator" in row["problem"]) for row in problems] == [
            (where, True)
        ]
    own = '[data]\ntrain = ["../uploads/docs/own.csv"]\n'
    file.write_text(f'base = "owner/name"\nremote_code = true\n{own}')
    assert "program" in check(file, space).problems[0]["problem"]


def test_an_adapter_names_no_foreign_base(space: Settings, places: dict[str, str]) -> None:
    adapter = space.folder("models", "borrowed")
    config = f'{{"base_model_name_or_path": "{places["other"]}/models/tiny"}}'
    (adapter / "adapter_config.json").write_text(config)
    with pytest.raises(Forbidden):
        find_local("borrowed", space)


def test_a_program_is_started_for_an_administrator_alone(space: Settings) -> None:
    with pytest.raises(Forbidden, match="program"):
        add_server("wiki", ["true"], "", {}, space)


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_argument_that_is_a_path_is_looked_at_before_its_command_begins(
    space: Settings, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A page runs commands in jobs, with the role of who pressed the button."""
    checked = 0
    for words, command in commands(workbench):
        for parameter in command.params:
            if isinstance(parameter.type, click.Path):
                checked += 1
                assert parameter.type.type is Path, (words, parameter.name)
                given: Any = Path(places["other"], "uploads/docs/secret.csv")
                many = parameter.nargs == -1 or getattr(parameter, "multiple", False)
                with pytest.raises(SystemExit):
                    command.callback(**{parameter.name: (given,) if many else given})
                assert "administrator alone" in capsys.readouterr().err, (words, parameter.name)
    assert checked > 35


NAMES_NO_PATH = Path(__file__).with_name("text_arguments.txt")


def test_every_argument_that_is_a_text_is_known_to_be_no_path_or_is_a_door() -> None:
    """A new one is written into the list, or among the doors above where it may be a path."""
    known = NAMES_NO_PATH.read_text("utf-8").split()
    found = {
        parameter.name
        for _, command in commands(workbench)
        for parameter in command.params
        if isinstance(parameter.type, click.types.StringParamType)
    }
    assert sorted(found - set(known)) == []


def test_no_file_opens_a_home_folder_without_asking_who_names_it() -> None:
    """`expanduser` is how code says that a person has named a path."""
    trusted = {
        "workbench/settings.py": "the environment",
        "workbench/confined.py": "the check itself",
        "workbench/backup/making.py": "arguments of commands, looked at by the command line",
        "workbench/backup/contents.py": "the same",
        "workbench/backup/reading.py": "the same",
        "workbench/backup/restoring.py": "the same",
        "workbench/models/folders.py": "called with what `inside` gave",
        "agents/databases/passwords.py": "the environment",
        "rag/sources.py": "called with what `inside` gave",
        "rag/sentence_models.py": "looked at where an embedder is named",
        "rag/checks.py": "the environment",
        "finetune/train/base_model.py": "called with what `resolve_base` gave",
        "finetune/evaluate/continuations.py": "called with what `resolve_base` gave",
        "finetune/run/check.py": "called with what `resolve_base` gave",
        "finetune/run/preference.py": "called with what `resolve_base` gave",
        "finetune/run/config.py": "looked at by `check_reach`",
        "finetune/commands/benchmark.py": "only whether it exists, before `find_data`",
        "deploy/quantize.py": "looked at by `publish`: administrators only",
        "deploy/gguf.py": "looked at by `publish`: administrators only",
    }
    unasked = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            name = str(path.relative_to(ROOT))
            if ".expanduser()" in text and "workbench.confined" not in text:
                unasked.append(name)
    assert sorted(set(unasked) - trusted.keys()) == []
    assert len(unasked) > 10


WRITES = {
    "change_connections",
    "rmtree",
    "unlink",
    "update_json",
    "write_bytes",
    "write_json",
    "write_lines",
    "write_text",
    "writing",
}


def written_by(path: Path) -> set[str]:
    """The names of functions that write, as far as this file calls them."""
    called = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called.add(ast.unparse(node.func).rpartition(".")[2])
    return called & WRITES


def test_every_module_that_writes_is_known_and_the_doors_ask_for_the_role() -> None:
    table = tomllib.loads(Path(__file__).with_name("writers.toml").read_text("utf-8"))
    known = [name for names in table.values() for name in names]
    assert len(known) == len(set(known))
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    writers = {str(path.relative_to(ROOT)) for path in paths if written_by(path)}
    assert sorted(writers - set(known)) == []
    assert sorted(set(known) - writers) == []
    for name in table["guarded"]:
        assert "check_may_" in (ROOT / name).read_text("utf-8"), name
