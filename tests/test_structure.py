"""The house stays as drawn: imports one way, light help, a README whose tree, commands and settings
are true.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from workbench.cli import contributed_commands, workbench
from workbench.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "workbench": set(),
    "rag": {"workbench"},
    "finetune": {"workbench"},
    "deploy": {"workbench"},
    "agents": {"workbench", "rag"},
}
# Inside a package a room imports rooms of lower floors only. Files beside the rooms may stand
# between two floors.
FLOORS = {
    "workbench": [
        ["markdown", "storage"],
        ["artefacts", "chat", "jobs"],
        ["accounts", "models"],
        ["login", "scoring"],
        ["backup", "start"],
        ["carry"],
        ["ui"],
    ],
    "rag": [["loaders"], ["engines"], ["commands", "ui"]],
    "finetune": [
        ["data"],
        ["encoding"],
        ["corpus"],
        ["run"],
        ["evaluate"],
        ["benchmark"],
        ["train"],
        ["vocabulary"],
        ["commands", "ui"],
    ],
    "deploy": [["commands", "ui"]],
    "agents": [
        ["databases"],
        ["documents", "tuned", "data", "none"],
        ["forecast"],
        ["tools"],
        ["mcp"],
        ["assistant"],
        ["api", "compare"],
        ["loop", "learning"],
        ["commands", "ui"],
    ],
    "agents.databases": [["guard"], ["teaching"], ["commands", "ui"]],
    "agents.forecast": [["commands", "ui"]],
}
READMES = ["README.md", "README.zh.md"]


def all_modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the packages."""
    found: dict[str, Path] = {}
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported_names(path: Path) -> set[str]:
    """Dotted names of all that a file imports, anywhere in it but for the type checker alone."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return names


def test_imports_go_one_way() -> None:
    checked = 0
    for package, allowed in MAY_IMPORT.items():
        for path in (ROOT / package).rglob("*.py"):
            checked += 1
            packages = {name.split(".")[0] for name in imported_names(path)}
            strangers = packages & MAY_IMPORT.keys() - allowed - {package}
            assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"
    assert checked > 150


def room_of(module: str, house: str) -> str:
    """The room of `house` that the module is in; empty for the house's own files and for others."""
    inside = module.removeprefix(f"{house}.")
    if inside == module:
        return ""
    first, _, _ = inside.partition(".")
    return first if (ROOT / house.replace(".", "/") / first).is_dir() else ""


@pytest.mark.parametrize("house", FLOORS)
def test_a_room_imports_lower_floors_only(house: str) -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS[house]) for room in rooms}
    checked = 0
    for module, path in all_modules().items():
        room = room_of(module, house)
        if not room:
            continue
        checked += 1
        for name in imported_names(path):
            other = room_of(name, house)
            if other and other != room:
                assert floor[other] < floor[room], f"{module} imports {name}"
    assert checked >= 4


def test_databases_import_nothing_else_of_agents() -> None:
    checked = 0
    for module, path in all_modules().items():
        if module.startswith("agents.databases"):
            checked += 1
            own = {name for name in imported_names(path) if name.startswith("agents.")}
            others = {name for name in own if not name.startswith("agents.databases")}
            assert not others, f"{module} imports {others}"
    assert checked > 20


def test_no_circle_of_files() -> None:
    modules = all_modules()
    imports = {
        module: {name for name in imported_names(path) & modules.keys() if name != module}
        for module, path in modules.items()
    }
    assert len(imports) > 150
    TopologicalSorter(imports).prepare()  # raises CycleError, with the circle


def test_only_pages_import_streamlit() -> None:
    checked = 0
    for room in MAY_IMPORT:
        for path in (ROOT / room).rglob("*.py"):
            if path.parent.name == "ui":
                continue
            checked += 1
            assert not any(n.split(".")[0] == "streamlit" for n in imported_names(path)), (
                f"{path.relative_to(ROOT)} imports streamlit"
            )
    assert checked > 30


@pytest.mark.parametrize("arguments", [["--help"], ["rag", "--help"], ["ask", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    script = (
        "import sys, workbench.cli\n"
        f"sys.argv = ['workbench', *{arguments!r}]\n"
        "try: workbench.cli.main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'transformers', 'chromadb', 'sentence_transformers', 'streamlit', 'openvino'}\n"
        "sys.exit(f'loaded: {heavy & sys.modules.keys()}' if heavy & sys.modules.keys() else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def every_command() -> list[tuple[str, ...]]:
    """All commands and subcommands, as typed after `workbench`."""
    found: list[tuple[str, ...]] = []
    for name in contributed_commands():
        command = workbench.get_command(click.Context(workbench), name)
        assert command
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, child) for child in command.list_commands(click.Context(command))]
    return found


def test_every_command_has_help_and_an_example() -> None:
    commands = every_command()
    assert len(commands) >= 10
    for command in commands:
        shown = CliRunner().invoke(workbench, [*command, "--help"])
        assert shown.exit_code == 0, shown.output
        group = any(other[:-1] == command for other in commands)
        assert group or "Example" in shown.output, f"workbench {' '.join(command)} shows no example"


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_tree_is_true(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    tree = re.search(r"```text tree\n(.*?)```", text, re.S)
    assert tree
    folders: list[str] = []
    checked = 0
    for line in tree.group(1).splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], line.split()[0]]
        path = "".join(folders)
        assert (ROOT / path).exists(), f"{readme}: {path} is not there"
        checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    "readme", [*READMES, *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
)
def test_documented_commands_exist(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    known = every_command()
    for words in re.findall(r"^\s*(?:\.venv/bin/)?workbench ([a-z]+(?: [a-z-]+)?)", text, re.M):
        first, *rest = words.split()
        assert (first,) in known, f"{readme}: workbench {words}"
        children = {child for parent, *children in known for child in children if parent == first}
        assert not children or not rest or rest[0] in children, f"{readme}: workbench {words}"


@pytest.mark.parametrize("page", ["docs/en/settings.md", "docs/zh/settings.md"])
def test_every_setting_is_documented(page: str) -> None:
    documented = set(re.findall(r"^\| `(\w+)`", (ROOT / page).read_text("utf-8"), re.M))
    assert documented == set(Settings.model_fields)


def test_the_lock_names_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert len(lines) > 100
    assert all("://" not in line and "@" not in line and "==" in line for line in lines)


def test_english_and_chinese_pages_are_the_same() -> None:
    english = {path.name for path in (ROOT / "docs/en").glob("*.md")}
    assert english and english == {path.name for path in (ROOT / "docs/zh").glob("*.md")}
