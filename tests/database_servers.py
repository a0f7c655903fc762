"""Real MariaDB and PostgreSQL servers on free loopback ports, each with its own data, for the tests
of databases.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy
from conftest import free_port, missing
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

READER, PASSWORD = (
    "reader",
    "s3cret-Pa55",
)  # a user who may write, so that only the guard and the session are in the way


@dataclass(frozen=True)
class Server:
    """`admin` is an address that may do everything, `url` that of the reader's database `shop`,
    `bare` without password.
    """

    admin: str
    url: str
    bare: str

    def run(self, *statements: str) -> list[Any]:
        """Run statements as the administrator; returns the rows of the last one."""
        engine = sqlalchemy.create_engine(
            self.admin, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        rows: list[Any] = []
        with engine.connect() as connection:
            connection = connection.execution_options(no_parameters=True)
            for statement in statements:
                found = connection.exec_driver_sql(statement)
                rows = list(found.fetchall()) if found.returns_rows else []
        engine.dispose()
        return rows


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server with the database `shop`."""
    binary = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if not binary:
        missing("MariaDB")
    with _folder("mysql") as (folder, account):
        install = [
            "mariadb-install-db",
            "--no-defaults",
            f"--user={account}",
            f"--datadir={folder}",
        ]
        subprocess.run(
            [*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True
        )
        port = free_port()
        command = [
            str(binary),
            "--no-defaults",
            f"--user={account}",
            f"--datadir={folder}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder}/s.sock",
            "--innodb-buffer-pool-size=32M",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
        ]
        bare = f"mysql://{READER}@127.0.0.1:{port}/shop"
        server = Server(
            f"mysql+pymysql://root@127.0.0.1:{port}/mysql", bare.replace("@", f":{PASSWORD}@"), bare
        )
        with _running(command, server):
            server.run(
                "CREATE DATABASE shop CHARACTER SET utf8mb4",
                f"CREATE USER {READER}@'%' IDENTIFIED BY '{PASSWORD}'",
                f"GRANT ALL ON *.* TO {READER}@'%'",
            )
            yield server


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server with the database `shop`; it runs as postgres where the tests run as
    root.
    """
    folders = (
        sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if Path("/usr/lib/postgresql").is_dir()
        else []
    )
    binaries = folders[-1] if folders else Path(shutil.which("initdb") or "missing/initdb").parent
    if not (binaries / "initdb").exists():
        missing("PostgreSQL")
    with _folder("postgres") as (folder, account):
        become = {"user": account} if os.geteuid() == 0 else {}
        subprocess.run(
            [
                binaries / "initdb",
                "-D",
                folder / "data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **become,
        )
        hba = folder / "data" / "pg_hba.conf"
        lines = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        hba.write_text(lines)
        port = free_port()
        command = [
            str(binaries / "postgres"),
            "-D",
            str(folder / "data"),
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
            "-k",
            str(folder),
            "-c",
            "fsync=off",
        ]
        bare = f"postgresql://{READER}@127.0.0.1:{port}/shop"
        admin = f"postgresql+psycopg://postgres@127.0.0.1:{port}"
        with _running(command, Server(f"{admin}/postgres", "", ""), **become, cwd=folder):
            Server(f"{admin}/postgres", "", "").run(
                f"CREATE ROLE {READER} SUPERUSER LOGIN PASSWORD '{PASSWORD}'",
                f"CREATE DATABASE shop OWNER {READER}",
            )
            yield Server(f"{admin}/shop", bare.replace("@", f":{PASSWORD}@"), bare)


@contextmanager
def _folder(account: str) -> Iterator[tuple[Path, str]]:
    """A data folder that belongs to the account the server runs as."""
    with tempfile.TemporaryDirectory(prefix=f"{account}-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, account, account)
        else:
            account = os.environ.get("USER", account)
        yield folder, account


@contextmanager
def _running(command: list[str], server: Server, **options: Any) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        for _ in range(300):
            try:
                server.run("SELECT 1")
                break
            except OperationalError:
                if process.poll() is not None:
                    pytest.fail(f"{command[0]} ended with status {process.returncode}")
                time.sleep(0.1)
        else:
            pytest.fail(f"{command[0]} did not answer in 30 s")
        yield
    finally:
        # a backend that nothing can interrupt outlives its server
        backends = psutil.Process(process.pid).children()
        for each in (process, *backends):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
