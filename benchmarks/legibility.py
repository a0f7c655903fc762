"""How dense the code is: counts per package of this tree, and of another revision beside it.

python benchmarks/legibility.py --before REVISION
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("workbench", "agents", "rag", "finetune", "deploy")
LONG = 100  # characters
AGENT = "tuned"  # the mode of one agent: adding another touches as many files
DENSE = (
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.IfExp,
    ast.NamedExpr,
)


@dataclass
class Counts:
    """Sums over some files, and their longest function in lines."""

    files: int = 0
    lines: int = 0
    long_lines: int = 0
    comments: int = 0
    dense: int = 0
    longest: int = 0
    longest_name: str = ""
    naming: int = 0
    """Files outside an agent's own folder that name it as a string."""

    def add(self, path: str, source: str) -> None:
        self.files += 1
        lines = source.splitlines()
        self.lines += len(lines)
        self.long_lines += sum(len(line) > LONG for line in lines)
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        self.comments += sum(token.type == tokenize.COMMENT for token in tokens)
        nodes = list(ast.walk(ast.parse(source)))
        names_agent = any(isinstance(n, ast.Constant) and n.value == AGENT for n in nodes)
        self.naming += names_agent and AGENT not in Path(path).parts
        for node in nodes:
            self.dense += isinstance(node, DENSE)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._measure(path, node)

    def _measure(self, path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > self.longest:
            self.longest = length
            self.longest_name = f"{path}:{function.name}"

    def row(self, name: str) -> str:
        dense = 1000 * self.dense / self.lines
        comments = 1000 * self.comments / self.lines
        return (
            f"{name:<22}{self.files:>6}{self.lines:>8}{dense:>10.1f}{comments:>10.1f}"
            f"{self.long_lines:>8}{self.naming:>8}{self.longest:>9}  {self.longest_name}"
        )


def files_here(package: str) -> Iterator[tuple[str, str]]:
    """(path, source) of the package's modules in this tree."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def files_at(revision: str, package: str) -> Iterator[tuple[str, str]]:
    """The same at a revision of git."""
    listed = _git("ls-tree", "-r", "--name-only", revision, package)
    for path in listed.splitlines():
        if path.endswith(".py"):
            yield path, _git("show", f"{revision}:{path}")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def count(files: Iterable[tuple[str, str]]) -> Counts:
    counts = Counts()
    for path, source in files:
        counts.add(path, source)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", help="revision of git to count beside this tree")
    before = parser.parse_args().before
    print(
        f"{'':<22}{'files':>6}{'lines':>8}{'dense/k':>10}{'comm./k':>10}{'>100':>8}{'agent':>8}{'longest':>9}"
    )
    for package in (*PACKAGES, "all"):
        packages = PACKAGES if package == "all" else (package,)
        if before:
            old = [file for name in packages for file in files_at(before, name)]
            print(count(old).row(f"{package} at {before[:7]}"))
        now = [file for name in packages for file in files_here(name)]
        print(count(now).row(f"{package} now"))
    print("dense: comprehensions, ternaries and walruses; comm.: comments; both per 1,000 lines")
    print(f"agent: files outside its folder that name the agent “{AGENT}” as a string")


if __name__ == "__main__":
    main()
