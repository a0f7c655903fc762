"""What an account may do: found on real servers without writing, said, and the way to a reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from database_servers import Server
from databases import SERVERS, make_sqlite

from agents.databases.checks import check_accounts
from agents.databases.mysql_rights import powers_in
from agents.databases.readers import PASSWORD
from agents.databases.rights import find_rights, noted_rights, sentence
from agents.databases.sources import DataSource, add_source, find_source
from workbench.cli import workbench
from workbench.settings import Settings

LETTERS = "abc-DEF"
# account -> (what the administrator runs, whether it can write, a power that is named)
MYSQL = {
    "only_reads": (["GRANT SELECT ON shop.* TO {user}"], False, ""),
    "writes_a_table": (["GRANT SELECT, INSERT ON shop.wares TO {user}"], True, "INSERT"),
    "writes_a_column": (
        ["GRANT SELECT (id), UPDATE (name) ON shop.wares TO {user}"],
        True,
        "UPDATE",
    ),
    "is_admin": (["GRANT ALL ON *.* TO {user} WITH GRANT OPTION"], True, "ALL PRIVILEGES"),
    "reads_files": (
        ["GRANT SELECT ON shop.* TO {user}", "GRANT FILE ON *.* TO {user}"],
        True,
        "FILE",
    ),
    "sees_processes": (
        ["GRANT SELECT ON shop.* TO {user}", "GRANT PROCESS ON *.* TO {user}"],
        False,
        "PROCESS",
    ),
    "by_role": (
        [
            "CREATE ROLE `wr ON ite`",
            "CREATE ROLE outer_role",
            "GRANT DELETE ON shop.* TO `wr ON ite`",
            "GRANT `wr ON ite` TO outer_role",
            "GRANT SELECT ON shop.* TO {user}",
            "GRANT outer_role TO {user}",
        ],
        True,
        "DELETE",
    ),
    "by_reading_role": (
        [
            "CREATE ROLE read_role",
            "GRANT SELECT ON shop.* TO read_role",
            "GRANT read_role TO {user}",
            "GRANT SELECT ON shop.wares TO {user}",
        ],
        False,
        "",
    ),
}
POSTGRES = {
    "only_reads": (["GRANT SELECT ON wares TO {user}"], False, ""),
    "writes_a_table": (["GRANT SELECT, INSERT ON wares TO {user}"], True, "INSERT"),
    "writes_a_column": (["GRANT SELECT, UPDATE (name) ON wares TO {user}"], True, "UPDATE"),
    "is_admin": (["ALTER ROLE {user} SUPERUSER"], True, "SUPERUSER"),
    "makes_tables": (["GRANT CREATE ON SCHEMA aside TO {user}"], True, "CREATE"),
    "counts_up": (["GRANT USAGE ON SEQUENCE ticket TO {user}"], True, "USAGE of sequences"),
    "reads_files": (
        ["GRANT SELECT ON wares TO {user}", "GRANT pg_read_server_files TO {user}"],
        False,
        "pg_read_server_files",
    ),
    "writes_everything": (["GRANT pg_write_all_data TO {user}"], True, "pg_write_all_data"),
    # a role that is not inherited takes one SET ROLE
    "by_role": (
        [
            "CREATE ROLE write_role",
            "GRANT DELETE ON wares TO write_role",
            "ALTER ROLE {user} NOINHERIT",
            "GRANT SELECT ON wares TO {user}",
            "GRANT write_role TO {user}",
        ],
        True,
        "DELETE",
    ),
    "by_reading_role": (
        [
            "CREATE ROLE read_role",
            "GRANT SELECT ON wares TO read_role",
            "GRANT read_role TO {user}",
        ],
        False,
        "",
    ),
}
CASES = {"mysql": MYSQL, "postgres": POSTGRES}


@pytest.fixture(scope="module", params=SERVERS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(dialect: str, request: pytest.FixtureRequest) -> Server:
    """A server with a table, a sequence and every account of its dialect's cases."""
    fixture = "mariadb_server" if dialect == "mysql" else "postgresql_server"
    server: Server = request.getfixturevalue(fixture)
    if dialect == "mysql":
        server.run(
            "CREATE OR REPLACE TABLE shop.wares (id INT, name VARCHAR(20))",
            "CREATE DATABASE IF NOT EXISTS `sh_op's 库`",
            "CREATE OR REPLACE TABLE `sh_op's 库`.wares (id INT)",
        )
    else:
        server.run(
            "DROP TABLE IF EXISTS wares",
            "CREATE TABLE wares (id INT, name VARCHAR(20))",
            "CREATE SCHEMA aside",
            "CREATE SEQUENCE ticket",
        )
    for account, (statements, _, _) in CASES[dialect].items():
        _make_account(server, dialect, account, statements)
    return server


def _make_account(server: Server, dialect: str, account: str, statements: list[str]) -> None:
    user = f"'{account}'@'%'" if dialect == "mysql" else account
    first = f"CREATE ROLE {user} LOGIN PASSWORD '{LETTERS}'"
    if dialect == "mysql":
        first = f"CREATE USER {user} IDENTIFIED BY '{LETTERS}'"
    server.run(first, *[statement.format(user=user) for statement in statements])


def address(server: Server, account: str, database: str = "shop") -> str:
    scheme, _, rest = server.bare.partition("://")
    place = rest.partition("@")[2].rpartition("/")[0]
    return f"{scheme}://{account}:{LETTERS}@{place}/{database}"


def test_every_kind_of_account_is_told_without_writing(
    dialect: str, server: Server, settings: Settings
) -> None:
    wrong = {}
    for account, (_, can_write, power) in CASES[dialect].items():
        source = add_source(settings, account, address(server, account))
        rights = find_rights(source, settings)
        told = (rights.can_write, not power or power in rights.powers, bool(rights.reader))
        if told != (can_write, True, can_write) or (not power and rights.powers):
            wrong[account] = rights
    assert not wrong
    assert len(CASES[dialect]) >= 8


def run(*arguments: str) -> Any:
    shown = CliRunner().invoke(workbench, ["data", *arguments])
    assert shown.exit_code == 0, shown.output
    return shown


def test_the_statements_that_are_shown_make_a_reader(
    dialect: str, server: Server, settings: Settings
) -> None:
    """A writer is added; the administrator runs what is said; the reader is added and reads."""
    database = "sh_op%27s%20%E5%BA%93" if dialect == "mysql" else "shop"
    server.run(
        *(
            ["GRANT ALL ON *.* TO writes_a_table"]
            if dialect == "mysql"
            else ["GRANT CREATE ON SCHEMA public TO PUBLIC"]
        )
    )
    first = run("add", "shop", address(server, "writes_a_table", database), "--json")
    done = json.loads(first.stdout.splitlines()[-1])
    assert (done["event"], done["can_write"]) == ("done", True) and done["tables"] >= 1
    server.run(*[statement.replace(PASSWORD, LETTERS) for statement in done["reader"]])
    second = run("add", "safe", address(server, "workbench_reader", database), "--json")
    done = json.loads(second.stdout.splitlines()[-1])
    assert (done["can_write"], done["powers"], done["reader"]) == (False, [], [])
    rows = run("run", "safe", "--sql", "SELECT count(*) FROM wares", "--json")
    assert json.loads(rows.stdout)["rows"] == [[0]]
    spoken = run("rights", "shop").stdout
    assert "This account can write" in spoken and "GRANT SELECT" in spoken
    findings = {finding.what: finding for finding in check_accounts(settings)}
    assert findings["Account of shop"].state == "missing"
    assert "workbench data rights shop" in findings["Account of shop"].fix
    assert findings["Account of safe"].state == "ok"
    assert noted_rights(find_source(settings, "shop"), settings).can_write is True  # type: ignore[union-attr]


def test_a_file_is_opened_read_only_and_said_so(settings: Settings, tmp_path: Path) -> None:
    shown = run("add", "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    assert "opened read-only" in shown.stdout
    done = json.loads(run("rights", "shop", "--json").stdout)
    assert (done["event"], done["can_write"], done["reader"]) == ("done", False, [])
    assert list(check_accounts(settings)) == []


def test_a_server_that_does_not_tell_is_no_yes_and_no_no(settings: Settings) -> None:
    source = DataSource("gone", "mysql", url="mysql+pymysql://reader@127.0.0.1:1/shop")
    rights = find_rights(source, settings)
    assert rights.can_write is None and rights.problem
    assert "could not be told" in sentence(rights)


@pytest.mark.parametrize(
    ("line", "powers"),
    [
        ("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*F00'", set()),
        ("GRANT SELECT, SHOW VIEW ON `x ON y`.* TO `a`@`%`", set()),
        ("GRANT SELECT (`id`, `DELETE, b)`), UPDATE (`n`) ON `s`.`t` TO `a`@`%`", {"UPDATE"}),
        ("GRANT `INSERT ON x` TO `a`@`%`", set()),
        ("GRANT INSERT ON `s`.* TO `a`@`%` WITH GRANT OPTION", {"INSERT", "GRANT OPTION"}),
        ("GRANT PROXY ON ''@'%' TO 'root'@'localhost'", {"PROXY"}),
        ("GRANT EXECUTE ON PROCEDURE `s`.`p` TO `a`@`%`", {"EXECUTE"}),
        (
            "GRANT BACKUP_ADMIN,SYSTEM_USER ON *.* TO `root`@`localhost`",
            {"BACKUP_ADMIN", "SYSTEM_USER"},
        ),
    ],
)
def test_a_line_of_grants_is_read_whatever_names_are_in_it(line: str, powers: set[str]) -> None:
    assert powers_in(line) == powers
